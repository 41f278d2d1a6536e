import { render } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { at } from "./address.js";
import { Beside } from "./beside.jsx";
import { Detail, Finding, Link, Text } from "./detail.jsx";
import { useKeys } from "./keys.js";
import { Lanes } from "./lanes.js";
import { List } from "./list.jsx";
import { CHANNELS, decoded, milliseconds } from "./model.js";

const KEYS = [
  ["↑ ↓", "frame before, after"], ["← →", "close, open"], ["Home End", "first, last"], ["PgUp PgDn", "a page on"], ["/", "search"], ["n N", "next, previous that is found"],
  ["e E", "next, previous that breaks a clause"], ["p", "parent"], ["+ −", "zoom lanes"], ["[ ]", "move lanes"], ["0", "whole run"], ["o", "by time, by order"], ["t", "tree, list"],
  ["1 … 6", "a channel on, off"], ["g", "frame, text, clauses"], ["r R", "next, previous run"], ["?", "these keys"],
];
const TABS = ["Frame", "Text", "Clauses"];

function App({ document: whole }) {
  const runs = useMemo(() => decoded(whole), []);
  const [place, setPlace] = useState(() => Math.min(Math.max((at("run") ?? 1) - 1, 0), runs.length - 1));
  const run = runs[place];
  const [selected, setSelected] = useState(() => chosen(run));
  const [channels, setChannels] = useState(CHANNELS.map(() => true));
  const [query, setQuery] = useState("");
  const [flat, setFlat] = useState(false);
  const [mode, setMode] = useState("time");
  const [shut, setShut] = useState(new Set());
  const [unfolded, setUnfolded] = useState(new Set());
  const [tab, setTab] = useState("Frame");
  const [help, setHelp] = useState(false);
  const [hover, setHover] = useState(null);
  const search = useRef(null), canvas = useRef(null), lanes = useRef(null);

  const wanted = query.trim().toLowerCase();
  const found = useMemo(() => {
    if (!wanted) return null;
    const matches = new Set();
    for (let i = 0; i < run.length; i++) if (run.sought(i).includes(wanted)) matches.add(i);
    return matches;
  }, [run, wanted]);
  const lines = useMemo(() => run.lines({ shut, unfolded, channels, found, flat }), [run, shut, unfolded, channels, found, flat]);
  // Where each frame is: its own line, or the row that it is folded into.
  const mark = useMemo(() => {
    if (selected < 0) return -1;
    let best = -1;
    for (let k = 0; k < lines.length; k++) {
      const [i, count, last] = lines[k];
      if (i === selected) return k;
      if (count > 1 && i < selected && selected <= last && run.parent[i] === run.parent[selected] && run.isChunk(selected)) best = k;
    }
    return best;
  }, [lines, selected]);

  const select = (i) => {
    setSelected(i);
    // What is hidden in a scope that is closed is shown.
    let above = run.parent[i], opened = null;
    while (above >= 0) { if (shut.has(above)) { opened ??= new Set(shut); opened.delete(above); } above = run.parent[above]; }
    if (opened) setShut(opened);
    if (!channels[run.channel[i]]) setChannels(channels.with(run.channel[i], true));
  };
  const toggle = (i) => {
    const isRow = run.first[i] < 0, [set, put] = isRow ? [unfolded, setUnfolded] : [shut, setShut];
    const next = new Set(set);
    if (!next.delete(i)) next.add(i);
    put(next);
  };
  const step = (by) => { if (lines.length) select(lines[Math.min(Math.max((mark < 0 ? (by > 0 ? -1 : 0) : mark) + by, 0), lines.length - 1)][0]); };
  const among = (sorted, by) => {
    const next = by > 0 ? sorted.find((i) => i > selected) ?? sorted[0] : sorted.findLast((i) => i < selected) ?? sorted.at(-1);
    if (next !== undefined) select(next);
  };
  const change = (by) => { const next = (place + by + runs.length) % runs.length; setPlace(next); setSelected(chosen(runs[next])); setShut(new Set()); setUnfolded(new Set()); };

  useEffect(() => {
    lanes.current = new Lanes(canvas.current, { onSelect: (i) => actions.current.select(i), onHover: (i, event) => setHover(i < 0 ? null : { i, x: event.clientX, y: event.clientY }) });
  }, []);
  const actions = useRef({});
  actions.current = { select };
  useEffect(() => lanes.current.show(run, { channels, mode, selected, found }), [run, channels, mode, selected, found]);
  useEffect(() => history.replaceState(null, "", `#run=${place + 1}${selected >= 0 ? `&frame=${selected + 1}` : ""}`), [place, selected]);

  const page = () => Math.max(1, Math.floor((document.querySelector(".list")?.clientHeight ?? 400) / 26) - 1);
  const act = {
    ArrowDown: () => step(1), j: () => step(1), ArrowUp: () => step(-1), k: () => step(-1), PageDown: () => step(page()), PageUp: () => step(-page()), Home: () => step(-Infinity), End: () => step(Infinity),
    ArrowRight: () => { const [i, count] = lines[mark] ?? [-1]; if (i >= 0 && (count > 1 || shut.has(i))) toggle(i); else step(1); },
    ArrowLeft: () => {
      const [i] = lines[mark] ?? [-1];
      if (i < 0) return;
      if (run.first[i] >= 0 && !shut.has(i)) return toggle(i);
      const row = [...unfolded].findLast((k) => k <= i && run.parent[k] === run.parent[i] && run.isChunk(i));
      if (row !== undefined) { toggle(row); setSelected(row); } else if (run.parent[i] >= 0) select(run.parent[i]);
    },
    Enter: () => mark >= 0 && toggle(lines[mark][0]),
    "/": () => search.current.focus(), n: () => found && among([...found], 1), N: () => found && among([...found], -1),
    e: () => among([...run.broken.keys()].sort((one, other) => one - other), 1), E: () => among([...run.broken.keys()].sort((one, other) => one - other), -1),
    p: () => selected >= 0 && run.parent[selected] >= 0 && select(run.parent[selected]),
    "+": () => lanes.current?.by(1.6), "=": () => lanes.current?.by(1.6), "-": () => lanes.current?.by(1 / 1.6), "[": () => lanes.current?.pan(-0.25), "]": () => lanes.current?.pan(0.25), 0: () => lanes.current?.fit(),
    o: () => setMode(mode === "time" ? "order" : "time"), t: () => setFlat(!flat), g: () => setTab(TABS[(TABS.indexOf(tab) + 1) % TABS.length]),
    r: () => change(1), R: () => change(-1), "?": () => setHelp(!help), Escape: () => { setHelp(false); setQuery(""); },
  };
  CHANNELS.forEach((_, channel) => { act[channel + 1] = () => setChannels(channels.with(channel, !channels[channel])); });
  useKeys((event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.tagName === "INPUT") {
      if (event.key === "Escape") { setQuery(""); event.target.blur(); } else if (event.key === "Enter" || event.key === "ArrowDown") { event.preventDefault(); event.target.blur(); if (found) among([...found], 1); }
      return;
    }
    // A button, a list of runs and an open value have keys of their own.
    if (/^(BUTTON|SELECT|SUMMARY)$/.test(event.target.tagName) && /^(Enter| |Arrow.*)$/.test(event.key)) return;
    if (act[event.key]) { event.preventDefault(); act[event.key](); }
  });

  return (
    <div class="app">
      <header class="bar">
        <h1 title={run.title}>{whole.title}</h1>
        {runs.length > 1
          ? <select aria-label="Run" value={place} onChange={(event) => change(Number(event.target.value) - place)}>{runs.map((one, index) => <option value={index}>{index + 1} of {runs.length}: {one.title}</option>)}</select>
          : <p class="title">{run.title}</p>}
        <p class="facts">{run.length.toLocaleString("en")} frames · {milliseconds(run.end)}{run.findings.length > 0 && <button class="bad" onClick={() => { setTab("Clauses"); among([...run.broken.keys()].sort((one, other) => one - other), 1); }}>{run.findings.length} {run.findings.length === 1 ? "clause" : "clauses"} broken</button>}</p>
        <label class="search"><span class="sr">Search frames</span><input ref={search} type="search" placeholder="Search …  /" value={query} onInput={(event) => setQuery(event.target.value)} />{found && <output>{found.size.toLocaleString("en")}</output>}</label>
        <button class="keys" aria-label="Keys" onClick={() => setHelp(!help)}>?</button>
      </header>
      <nav class="channels" aria-label="Channels">
        {CHANNELS.map((name, channel) => run.counts[channel] > 0 && <button aria-pressed={channels[channel]} style={{ "--c": `var(--${name})` }} onClick={() => setChannels(channels.with(channel, !channels[channel]))}><i />{name} <span>{run.counts[channel].toLocaleString("en")}</span></button>)}
        <span class="gap" />
        <button aria-pressed={!flat} onClick={() => setFlat(!flat)}>tree</button>
        <button aria-pressed={mode === "time"} onClick={() => setMode(mode === "time" ? "order" : "time")}>time</button>
      </nav>
      <section class="lanes" aria-label="Channels over time"><canvas ref={canvas} /></section>
      <main>
        <List run={run} lines={lines} selected={selected} mark={mark} onSelect={select} onToggle={toggle} isShut={(i) => shut.has(i)} query={wanted} />
        <section class="side">
          <div class="tabs" role="tablist">{TABS.map((name) => <button role="tab" aria-selected={tab === name} onClick={() => setTab(name)}>{name}{name === "Clauses" && run.findings.length > 0 && <b>{run.findings.length}</b>}</button>)}</div>
          <div class="panel" role="tabpanel" tabIndex={0} aria-label={tab}>
            {tab === "Frame" && <Detail run={run} i={selected} onSelect={select} />}
            {tab === "Text" && <Text run={run} i={selected} onSelect={select} />}
            {tab === "Clauses" && (run.findings.length ? run.findings.map((one) => <Finding finding={one}>{one.place !== null && <Link run={run} i={one.place} onSelect={select} />}</Finding>) : <p class="none">No clause is broken that these frames alone decide.</p>)}
          </div>
        </section>
      </main>
      {hover && <div class="hover" style={{ left: Math.min(hover.x + 12, innerWidth - 280), top: hover.y + 16 }}><b>#{run.seq(hover.i)} {run.type(hover.i)}</b><br />{milliseconds(run.at[hover.i])} {run.summary(hover.i).filter(Boolean).join(" ").slice(0, 90)}</div>}
      {help && <div class="help" role="dialog" aria-label="Keys" onClick={() => setHelp(false)}><dl>{KEYS.map(([key, told]) => <><dt>{key.split(" ").map((one) => <kbd>{one}</kbd>)}</dt><dd>{told}</dd></>)}</dl></div>}
    </div>
  );
}

function chosen(run) {
  const frame = at("frame"), seq = at("seq");
  if (frame !== null && frame >= 1 && frame <= run.length) return frame - 1;
  for (let i = 0; seq !== null && i < run.length; i++) if (run.seq(i) === seq) return i;
  return run.broken.size ? Math.min(...run.broken.keys()) : run.length ? 0 : -1;
}

const whole = JSON.parse(document.getElementById("data").textContent);
document.title = `${whole.title} – timeline`;
render(whole.pairs ? <Beside document={whole} runs={decoded(whole)} /> : <App document={whole} />, document.getElementById("app"));
