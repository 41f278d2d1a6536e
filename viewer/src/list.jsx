// The tree of scopes and frames as a virtual list: only what is in view is in the document.

import { Virtualizer, elementScroll, observeElementOffset, observeElementRect } from "@tanstack/virtual-core";
import { useEffect, useReducer, useRef } from "preact/hooks";
import { CHANNELS, milliseconds } from "./model.js";

export const ROW = 26;

export function List({ run, lines, selected, mark, onSelect, onToggle, isShut, query }) {
  const box = useRef(null), virtual = useRef(null);
  const [, redraw] = useReducer((count) => count + 1, 0);
  const options = { count: lines.length, getScrollElement: () => box.current, estimateSize: () => ROW, overscan: 12, scrollToFn: elementScroll, observeElementRect, observeElementOffset, onChange: () => redraw() };
  virtual.current ??= new Virtualizer(options);
  virtual.current.setOptions(options);
  useEffect(() => virtual.current._didMount(), []);
  useEffect(() => virtual.current._willUpdate());
  useEffect(() => {
    if (mark >= 0) virtual.current.scrollToIndex(mark, { align: "auto" });
  }, [mark, lines]);

  return (
    <div class="list" ref={box} role="tree" tabIndex={0} aria-label="Frames by scope" aria-activedescendant={mark >= 0 ? `line-${mark}` : undefined}>
      <div style={{ height: virtual.current.getTotalSize() }} role="none">
        {virtual.current.getVirtualItems().map(({ index, start }) => (
          <Line key={index} id={`line-${index}`} top={start} run={run} line={lines[index]} selected={index === mark} onSelect={onSelect} onToggle={onToggle} isShut={isShut} query={query} />
        ))}
      </div>
      {lines.length === 0 && <p class="none">Nothing is found.</p>}
    </div>
  );
}

function Line({ id, top, run, line, selected, onSelect, onToggle, isShut, query }) {
  const [i, count, last] = line, [named, told] = run.summary(i), opens = run.first[i] >= 0;
  const broken = run.broken.get(i), bad = /_(failed|error)$/.test(run.type(i));
  const text = (count > 1 ? joined(run, i, last) : told).slice(0, 300).replace(/\s*\n\s*/g, " ⏎ ");
  const expands = opens || count > 1;
  return (
    <div id={id} role="treeitem" aria-level={run.depth[i] + 1} aria-selected={selected} aria-expanded={expands ? !(count > 1 || isShut(i)) : undefined} class={`line${selected ? " selected" : ""}${bad ? " bad" : ""}`} style={{ transform: `translateY(${top}px)`, "--c": `var(--${CHANNELS[run.channel[i]]})`, "--d": Math.min(run.depth[i], 14) }} onClick={() => onSelect(i)} onDblClick={() => expands && onToggle(i)}>
      <span class="seq">{run.seq(i)}</span>
      <span class="ms">{milliseconds(run.at[i])}</span>
      <span class="indent" />
      <button class="fold" tabIndex={-1} aria-hidden="true" onClick={(event) => { event.stopPropagation(); onToggle(i); }}>{expands ? (count > 1 || isShut(i) ? "▸" : "▾") : ""}</button>
      <span class="dot" />
      <span class="told">
        <b>{run.type(i)}</b>
        {named && <i>{named}</i>}
        {text && <em>{marked(text, query)}</em>}
      </span>
      {broken && <span class="breaks" title={broken.map((one) => `${one.clause}: ${one.message}`).join("\n")}>{broken.length === 1 ? broken[0].clause : `${broken.length} clauses`}</span>}
      {count > 1 && <span class="count">×{count}</span>}
      {opens && run.closedBy[i] >= 0 && <span class="took">{milliseconds(run.at[run.closedBy[i]] - run.at[i])}</span>}
    </div>
  );
}

function joined(run, i, last) {
  let text = "";
  for (let k = i; k <= last && text.length < 300; k++) if (run.parent[k] === run.parent[i] && run.raw.frames[k][1] === run.raw.frames[i][1]) text += run.data(k).chunk ?? "";
  return text;
}

export function marked(text, query) {
  const at = query ? text.toLowerCase().indexOf(query) : -1;
  return at < 0 ? text : <>{text.slice(0, at)}<mark>{text.slice(at, at + query.length)}</mark>{text.slice(at + query.length)}</>;
}
