// Makes ../harness/viewer/viewer.html, in which script and style stand beside what they came from: a digest of all sources.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const here = new URL(".", import.meta.url).pathname;
const sources = ["build.mjs", "package-lock.json", "package.json", ...readdirSync(`${here}src`).sort().map((name) => `src/${name}`)];
const digest = createHash("sha256");
for (const name of sources) digest.update(`${name}\n`).update(readFileSync(here + name)).update("\n");

const options = { bundle: true, minify: true, write: false, target: ["es2022"], jsx: "automatic", jsxImportSource: "preact", legalComments: "eof", charset: "utf8" };
const [script, style] = await Promise.all(["src/app.jsx", "src/style.css"].map((entry) => build({ ...options, entryPoints: [here + entry] })));
const text = (result) => result.outputFiles[0].text.trim().replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");

const page = readFileSync(`${here}src/page.html`, "utf8")
  .replace("__DIGEST__", () => digest.digest("hex"))
  .replace("__STYLE__", () => text(style))
  .replace("__SCRIPT__", () => text(script));
writeFileSync(`${here}../harness/viewer/viewer.html`, page);
