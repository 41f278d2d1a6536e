// What is known of the selected frame: what it breaks, what it belongs to, what carried it, and its payload.

import { useEffect, useRef } from "preact/hooks";
import { CHANNELS, milliseconds } from "./model.js";

export function Detail({ run, i, onSelect }) {
  if (i < 0) return <p class="none">Choose a frame: with the arrow keys, in the tree, or in the lanes.</p>;
  const channel = CHANNELS[run.channel[i]], chunk = run.chunks[run.chunkOf.get(i)];
  const links = [
    ["parent", run.link(i, 4)], ["previous", run.link(i, 5)], ["opened by", run.closes[i] >= 0 ? run.closes[i] : null],
    ["closed by", run.closedBy[i] >= 0 ? run.closedBy[i] : null], ["first inside", run.first[i] >= 0 ? run.first[i] : null],
  ].filter(([, value]) => value !== null);
  return (
    <article class="detail" style={{ "--c": `var(--${channel})` }}>
      <header>
        <h2>{run.type(i)}</h2>
        <p><span class="chip">{channel}</span> frame {run.seq(i)} · {milliseconds(run.at[i])} after the first</p>
      </header>
      {(run.broken.get(i) ?? []).map((one) => <Finding finding={one} />)}
      <dl>
        <dt>namespace</dt><dd>{run.namespace(i).join(" › ")}</dd>
        <dt>id</dt><dd><code>{run.id(i)}</code></dd>
        {links.map(([name, value]) => <><dt>{name}</dt><dd>{Number.isInteger(value) ? <Link run={run} i={value} onSelect={onSelect} /> : <code>{value} (not here)</code>}</dd></>)}
        {chunk && <><dt>carried by</dt><dd>chunk {chunk.place + 1} of {chunk.answer.chunks.length}, {chunk.length} bytes, {milliseconds(chunk.ms)} after the request was sent{chunk.frames.length > 1 && <>, as {chunk.frames.length} frames are</>}</dd></>}
      </dl>
      <h3>Payload</h3>
      <div class="json"><Json value={run.payload(i)} isRoot /></div>
      {chunk && <><h3>What the provider sent</h3><pre class="raw">{chunk.text ?? "Too much was sent to keep all of it here."}</pre></>}
      {run.type(i) === "llm_call_started" && <Answers run={run} i={i} />}
      <button class="copy" onClick={() => navigator.clipboard?.writeText(JSON.stringify(run.frame(i), null, 2))}>Copy frame as JSON</button>
    </article>
  );
}

function Answers({ run, i }) {
  return run.raw.answers.filter((answer) => answer.call === i).map((answer) => (
    <p class="answer">{answer.method} {answer.url}<br />{answer.status}, {answer.chunks.length} chunks, {answer.chunks.reduce((sum, one) => sum + one[1], 0)} bytes, ended: {answer.ended}</p>
  ));
}

export function Finding({ finding, children }) {
  return <div class="finding"><b>{finding.clause}</b> {finding.message} {children}</div>;
}

export function Link({ run, i, onSelect }) {
  return <button class="link" style={{ "--c": `var(--${CHANNELS[run.channel[i]]})` }} onClick={() => onSelect(i)}>#{run.seq(i)} {run.type(i)}</button>;
}

function Json({ name, value, isRoot = false }) {
  const key = name === undefined ? null : <span class="key">{name}: </span>;
  if (value === null || typeof value !== "object") return <div class="leaf">{key}<Leaf value={value} /></div>;
  const entries = Object.entries(value), isList = Array.isArray(value);
  if (entries.length === 0) return <div class="leaf">{key}{isList ? "[]" : "{}"}</div>;
  const inner = isRoot ? [...entries.filter(([, one]) => one !== null), ...entries.filter(([, one]) => one === null)] : entries;
  const body = inner.slice(0, 500).map(([one, item]) => <Json key={one} name={one} value={item} />);
  if (isRoot) return body;
  return <details open={entries.length <= 20}><summary>{key}<span class="kind">{isList ? `[${entries.length}]` : `{${entries.length}}`}</span></summary>{body}{entries.length > 500 && <div class="leaf">… {entries.length - 500} more</div>}</details>;
}

function Leaf({ value }) {
  if (typeof value === "string") return <span class="string">{JSON.stringify(value)}</span>;
  return <span class={value === null ? "null" : "number"}>{String(value)}</span>;
}

/** The answer as it grew: what was there at the selected frame, what that frame added, and what was still to come. */
export function Text({ run, i, onSelect }) {
  const now = useRef(null), [before, upTo] = i < 0 ? [run.text.length, run.text.length] : run.grownTo(i);
  useEffect(() => now.current?.scrollIntoView({ block: "nearest" }), [i]);
  if (!run.text) return <p class="none">No text was streamed.</p>;
  const choose = (event) => {
    const caret = document.caretPositionFromPoint?.(event.clientX, event.clientY);
    const node = caret?.offsetNode, part = node?.parentElement?.dataset?.from;
    if (part !== undefined) onSelect(run.pieceAt(Number(part) + caret.offset));
  };
  return (
    <div class="grown" onClick={choose}>
      <span data-from={0}>{run.text.slice(0, before)}</span>
      <span class="now" ref={now} data-from={before}>{run.text.slice(before, upTo)}</span>
      <span class="later" data-from={upTo}>{run.text.slice(upTo)}</span>
    </div>
  );
}
