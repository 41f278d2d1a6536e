// Two runs side by side: each frame beside the one that it is in the other, with what moved, changed, went and came.

import { useEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import { Virtualizer, elementScroll, observeElementOffset, observeElementRect } from "@tanstack/virtual-core";
import { Detail, Finding } from "./detail.jsx";
import { at } from "./address.js";
import { useKeys } from "./keys.js";
import { Lanes } from "./lanes.js";
import { ROW, marked } from "./list.jsx";
import { CHANNELS, milliseconds } from "./model.js";

const SIGNS = { equal: "", changed: "≠", moved: "↕", missing: "−", added: "+" };
/** So many equal rows stay around what differs. */
const AROUND = 2;
/** Ids that are numbered in the order of a run mean the same whatever their number. */
const NUMBERED = /^(f|call-|flow-|request-|checkpoint-|task-|agent-|source-|state-)\d+$/;

function paired(pairs, one, other) {
  const of = new Map(pairs.map(([a, b, kind]) => [a, [b, kind]])), taken = new Set(pairs.map(([, b]) => b)), rows = [];
  const follow = (b) => { for (let k = b + 1; k < other.length && !taken.has(k); k++) rows.push({ a: -1, b: k, kind: "added" }); };
  follow(-1);
  for (let a = 0; a < one.length; a++) {
    const [b, kind] = of.get(a) ?? [-1, "missing"];
    rows.push({ a, b, kind });
    if (b >= 0) follow(b);
  }
  return rows;
}

/** The lines that stand for the rows `shown`: long stretches of equal ones are folded, unless they are `open` or all are `whole`. */
function folded(rows, shown, open, whole) {
  if (whole) return shown;
  const lines = [];
  for (let k = 0; k < shown.length; k++) {
    let end = k;
    while (end < shown.length && rows[shown[end]].kind === "equal") end++;
    if (end === k) { lines.push(shown[k]); continue; }
    const from = k === 0 ? 0 : k + AROUND, to = end === shown.length ? end : end - AROUND;
    if (to - from > 2 && !open.has(shown[k])) lines.push(...shown.slice(k, from), { from: shown[from], to: shown[to - 1] + 1, count: to - from, key: shown[k] }, ...shown.slice(to, end));
    else for (let i = k; i < end; i++) lines.push(shown[i]);
    k = end - 1;
  }
  return lines;
}

function foundIn(run, query) {
  const found = new Set();
  for (let i = 0; i < run.length; i++) if (run.sought(i).includes(query)) found.add(i);
  return found;
}

export function Beside({ document: whole, runs }) {
  const [one, other] = runs;
  const rows = useMemo(() => paired(whole.pairs, one, other), []);
  const differing = useMemo(() => rows.flatMap((row, index) => (row.kind === "equal" ? [] : [index])), []);
  const [all, setAll] = useState(false);
  const [open, setOpen] = useState(new Set());
  const broken = (row) => [...(one.broken.get(row.a) ?? []), ...(other.broken.get(row.b) ?? [])];
  const [selected, setSelected] = useState(() => {
    const named = at("seq"), shown = rows.findIndex((row) => row.b >= 0 && other.seq(row.b) === named);
    const first = rows.findIndex((row) => broken(row).length);
    return shown >= 0 ? shown : first >= 0 ? first : differing[0] ?? 0;
  });
  const [mode, setMode] = useState("time");
  const [channels, setChannels] = useState(CHANNELS.map(() => true));
  const [text, setText] = useState("");
  const query = text.trim().toLowerCase(), search = useRef(null);
  const found = useMemo(() => (query ? runs.map((run) => foundIn(run, query)) : null), [query]);
  const visible = useMemo(() => rows.flatMap(({ a, b }, index) => {
    const isOn = a >= 0 ? channels[one.channel[a]] : channels[other.channel[b]];
    return isOn && (!found || found[0].has(a) || found[1].has(b)) ? [index] : [];
  }), [channels, found]);
  const lines = useMemo(() => folded(rows, visible, open, all || found !== null), [visible, open, all]);
  const mark = lines.findIndex((line) => line === selected || (line.from <= selected && selected < line.to));
  const counts = Object.groupBy(rows, (row) => row.kind);
  const canvases = [useRef(null), useRef(null)], lanes = useRef([]);

  const choose = (place, a, b) => setSelected(Math.max(0, rows.findIndex((row) => (place === 0 ? row.a === a : row.b === b))));
  useEffect(() => {
    lanes.current = canvases.map((canvas, place) => new Lanes(canvas.current, {
      onSelect: (i) => choose(place, i, i), onHover: () => {},
      onZoom: (transform) => lanes.current[1 - place]?.follow(transform),
    }));
  }, []);
  useEffect(() => {
    const row = rows[selected] ?? { a: -1, b: -1 };
    // Both on one scale, so that what took longer is longer.
    const end = Math.max(one.end, other.end), count = Math.max(one.length, other.length);
    lanes.current[0].show(one, { channels, mode, selected: row.a, found: found && found[0], end, count });
    lanes.current[1].show(other, { channels, mode, selected: row.b, found: found && found[1], end, count });
  }, [selected, mode, channels, found]);

  const unfold = (key) => { const next = new Set(open); next.add(key); setOpen(next); };
  const step = (by) => {
    if (!lines.length) return;
    const line = lines[Math.min(Math.max(mark + by, 0), lines.length - 1)];
    setSelected(typeof line === "number" ? line : by > 0 ? line.from : line.to - 1);
  };
  // What is sought is gone through where something is, and else what differs, as far as it is shown.
  const stops = useMemo(() => { const on = new Set(visible); return found ? visible : differing.filter((i) => on.has(i)); }, [visible]);
  const jump = (by) => setSelected((by > 0 ? stops.find((i) => i > selected) ?? stops[0] : stops.findLast((i) => i < selected) ?? stops.at(-1)) ?? selected);
  const act = {
    ArrowDown: () => step(1), j: () => step(1), ArrowUp: () => step(-1), k: () => step(-1), PageDown: () => step(20), PageUp: () => step(-20), Home: () => step(-Infinity), End: () => step(Infinity),
    n: () => jump(1), N: () => jump(-1), d: () => setAll(!all), Enter: () => typeof lines[mark] === "object" && unfold(lines[mark].key), ArrowRight: () => typeof lines[mark] === "object" && unfold(lines[mark].key),
    o: () => setMode(mode === "time" ? "order" : "time"), "+": () => lanes.current[0]?.by(1.6), "=": () => lanes.current[0]?.by(1.6), "-": () => lanes.current[0]?.by(1 / 1.6), "[": () => lanes.current[0]?.pan(-0.25), "]": () => lanes.current[0]?.pan(0.25), 0: () => lanes.current[0]?.fit(),
    "/": () => search.current.focus(), Escape: () => setText(""),
  };
  CHANNELS.forEach((_, channel) => { act[channel + 1] = () => setChannels(channels.with(channel, !channels[channel])); });
  useKeys((event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.tagName === "INPUT") {
      if (event.key === "Escape") { setText(""); event.target.blur(); }
      else if (event.key === "Enter" || event.key === "ArrowDown") { event.preventDefault(); event.target.blur(); if (found && !stops.includes(selected)) jump(1); }
      return;
    }
    if (!act[event.key]) return;
    if (/^(BUTTON|SUMMARY)$/.test(event.target.tagName) && /^(Enter|Arrow.*)$/.test(event.key)) return;
    event.preventDefault();
    act[event.key]();
  });

  const row = rows[selected];
  return (
    <div class="app beside">
      <header class="bar">
        <h1>{whole.title}</h1>
        <p class="facts">{[one, other].some((run) => run.findings.length) && <span class="sum missing">{one.findings.length + other.findings.length} broken</span>}{differing.length === 0 ? "equal" : ["changed", "moved", "missing", "added"].filter((kind) => counts[kind]).map((kind) => <span class={`sum ${kind}`}>{counts[kind].length.toLocaleString("en")} {kind}</span>)}</p>
        <span class="gap" />
        <label class="search"><span class="sr">Search frames</span><input ref={search} type="search" placeholder="Search …  /" value={text} onInput={(event) => setText(event.target.value)} />{found && <output>{visible.length.toLocaleString("en")}</output>}</label>
        <button class="pill" aria-pressed={!all} onClick={() => setAll(!all)}>differences <kbd>d</kbd></button>
        <button class="pill" onClick={() => jump(1)} disabled={!stops.length}>next <kbd>n</kbd></button>
        <button class="pill" aria-pressed={mode === "time"} onClick={() => setMode(mode === "time" ? "order" : "time")}>time <kbd>o</kbd></button>
      </header>
      <nav class="channels" aria-label="Channels">
        {CHANNELS.map((name, channel) => one.counts[channel] + other.counts[channel] > 0 && <button aria-pressed={channels[channel]} style={{ "--c": `var(--${name})` }} onClick={() => setChannels(channels.with(channel, !channels[channel]))}><i />{name} <span>{one.counts[channel].toLocaleString("en")} · {other.counts[channel].toLocaleString("en")}</span></button>)}
      </nav>
      <section class="two" aria-label="Channels over time">{runs.map((run, place) => <div><p title={run.title}><b>{"AB"[place]}</b><em>{run.title}</em><span>{run.length.toLocaleString("en")} frames · {milliseconds(run.end)}</span></p><div class="lanes"><canvas ref={canvases[place]} /></div></div>)}</section>
      <main>
        <Rows rows={rows} lines={lines} mark={mark} runs={runs} onSelect={setSelected} onUnfold={unfold} query={query} />
        <section class="side"><div class="panel" tabIndex={0} aria-label="What differs">{row && <Compared runs={runs} row={row} onSelect={choose} broken={row.a < 0 || row.b < 0 ? [] : other.broken.get(row.b) ?? []} />}</div></section>
      </main>
    </div>
  );
}

function Rows({ rows, lines, mark, runs, onSelect, onUnfold, query }) {
  const box = useRef(null), virtual = useRef(null);
  const [, redraw] = useReducer((count) => count + 1, 0);
  const options = { count: lines.length, getScrollElement: () => box.current, estimateSize: () => ROW, overscan: 12, scrollToFn: elementScroll, observeElementRect, observeElementOffset, onChange: () => redraw() };
  virtual.current ??= new Virtualizer(options);
  virtual.current.setOptions(options);
  useEffect(() => virtual.current._didMount(), []);
  useEffect(() => virtual.current._willUpdate());
  useEffect(() => { if (mark >= 0) virtual.current.scrollToIndex(mark, { align: "auto" }); }, [mark, lines]);
  return (
    <div class="list" ref={box} role="grid" tabIndex={0} aria-label="Frames of both runs" aria-activedescendant={mark >= 0 ? `line-${mark}` : undefined}>
      <div style={{ height: virtual.current.getTotalSize() }} role="none">
        {virtual.current.getVirtualItems().map(({ index, start }) => {
          const line = lines[index], style = { transform: `translateY(${start}px)` }, chosen = index === mark ? " selected" : "";
          if (typeof line !== "number") return <div key={index} id={`line-${index}`} role="row" class={`pair gapped${chosen}`} style={style} onClick={() => onUnfold(line.key)}><span role="gridcell">⋯ {line.count.toLocaleString("en")} frames are equal</span></div>;
          const { a, b, kind } = rows[line];
          return <div key={index} id={`line-${index}`} role="row" aria-selected={index === mark} class={`pair ${kind}${chosen}`} style={style} onClick={() => onSelect(line)}><Cell run={runs[0]} i={a} query={query} /><span role="gridcell" class="sign" aria-label={kind} title={kind}>{SIGNS[kind]}</span><Cell run={runs[1]} i={b} query={query} /></div>;
        })}
      </div>
    </div>
  );
}

function Cell({ run, i, query }) {
  if (i < 0) return <span role="gridcell" class="cell" />;
  const [named, told] = run.summary(i);
  return (
    <span role="gridcell" class="cell" style={{ "--c": `var(--${CHANNELS[run.channel[i]]})`, "--d": Math.min(run.depth[i], 8) }}>
      <span class="seq">{run.seq(i)}</span><span class="indent" /><span class="dot" />
      {run.broken.has(i) && <span class="flag" title={run.broken.get(i).map((one) => one.clause).join(", ")}>▲</span>}
      <span class="told"><b>{marked(run.type(i), query)}</b>{named && <i>{marked(named, query)}</i>}{told && <em>{marked(told.slice(0, 200).replace(/\s*\n\s*/g, " ⏎ "), query)}</em>}</span>
    </span>
  );
}

function Compared({ runs, row, onSelect, broken }) {
  const { a, b, kind } = row;
  if (a < 0 || b < 0) return <><p class="verdict"><b class={kind}>{kind}</b> {kind === "missing" ? "only in A" : "only in B"}</p><Detail run={runs[a < 0 ? 1 : 0]} i={a < 0 ? b : a} onSelect={(i) => onSelect(a < 0 ? 1 : 0, i, i)} /></>;
  const changes = [...differences(runs[0].payload(a), runs[1].payload(b), "")];
  return (
    <>
      <p class="verdict"><b class={kind}>{kind}</b> {kind === "moved" && "in another order with what stands beside it"}</p>
      {broken.map((one) => <Finding finding={one} />)}
      {changes.map(([path, mine, theirs]) => <div class="change"><code>{path}</code><Two mine={mine} theirs={theirs} /></div>)}
      <p class="when">A: #{runs[0].seq(a)}, {milliseconds(runs[0].at[a])}. B: #{runs[1].seq(b)}, {milliseconds(runs[1].at[b])}.</p>
      <Detail run={runs[0]} i={a} onSelect={(i) => onSelect(0, i, i)} />
    </>
  );
}

function Two({ mine, theirs }) {
  const [one, other] = [mine, theirs].map((value) => (value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value, null, 1)));
  let head = 0, tail = 0;
  while (head < one.length && one[head] === other[head]) head++;
  while (tail < Math.min(one.length, other.length) - head && one.at(-1 - tail) === other.at(-1 - tail)) tail++;
  const part = (text, name) => <pre class={name}>{text.slice(0, head)}<mark>{text.slice(head, text.length - tail)}</mark>{text.slice(text.length - tail)}</pre>;
  return <div class="values">{mine === undefined ? <pre class="old">–</pre> : part(one, "old")}{theirs === undefined ? <pre class="new">–</pre> : part(other, "new")}</div>;
}

function* differences(one, other, path) {
  if (one === other || (typeof one === "string" && typeof other === "string" && NUMBERED.test(one) && one.replace(/\d+$/, "") === other.replace(/\d+$/, ""))) return;
  const both = one && other && typeof one === "object" && typeof other === "object" && Array.isArray(one) === Array.isArray(other);
  if (!both) { yield [path || "payload", one, other]; return; }
  for (const name of new Set([...Object.keys(one), ...Object.keys(other)])) {
    if (path === "" && name === "started_event_id") continue;
    yield* differences(one[name], other[name], Array.isArray(one) ? `${path}[${name}]` : path ? `${path}.${name}` : name);
  }
}
