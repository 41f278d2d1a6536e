// Makes ../harness/viewer/viewer.html, in which script and style stand beside what they came from: a digest of all sources,
// and the licences of the packages that are in the script, which go with every copy.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const here = new URL(".", import.meta.url).pathname;
const sources = ["build.mjs", "package-lock.json", "package.json", ...readdirSync(`${here}src`).sort().map((name) => `src/${name}`)];
const digest = createHash("sha256");
for (const name of sources) digest.update(`${name}\n`).update(readFileSync(here + name)).update("\n");

const options = { bundle: true, minify: true, write: false, target: ["es2022"], jsx: "automatic", jsxImportSource: "preact", legalComments: "eof", charset: "utf8", metafile: true };
const [script, style] = await Promise.all(["src/app.jsx", "src/style.css"].map((entry) => build({ ...options, entryPoints: [here + entry] })));
const text = (result) => result.outputFiles[0].text.trim().replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");

const inputs = Object.entries(Object.values(script.metafile.outputs)[0].inputs).filter(([, input]) => input.bytesInOutput > 0);
const packages = new Set(inputs.map(([path]) => path.match(/.*node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1]).filter(Boolean));
const notices = {};
for (const name of [...packages].sort()) (notices[readFileSync(`${here}node_modules/${name}/LICENSE`, "utf8").trim()] ??= []).push(name);

const page = readFileSync(`${here}src/page.html`, "utf8")
  .replace("__DIGEST__", () => digest.digest("hex"))
  .replace("__STYLE__", () => text(style))
  .replace("__SCRIPT__", () => text(script))
  .replace("__NOTICES__", () => Object.entries(notices).map(([licence, names]) => `${names.join(", ")}:\n\n${licence}\n`).join("\n"));
writeFileSync(`${here}../harness/viewer/viewer.html`, page);
