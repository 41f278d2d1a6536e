// Channel lanes over time on a canvas: scopes as bars, frames as ticks, the provider's chunks below them.

import { scaleLinear } from "d3-scale";
import { select } from "d3-selection";
import { zoom, zoomIdentity } from "d3-zoom";
import { CHANNELS, milliseconds } from "./model.js";

const AXIS = 22, BAR = 7, TICK = 13, GAP = 9, LABEL = 74;

export class Lanes {
  constructor(canvas, { onSelect, onHover, onZoom = () => {} }) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.onSelect = onSelect;
    this.onHover = onHover;
    this.run = null;
    this.selected = -1;
    this.mode = "time";
    this.channels = CHANNELS.map(() => true);
    this.transform = zoomIdentity;
    this.zoom = zoom().scaleExtent([1, 1e6]).filter((event) => !event.button && event.type !== "dblclick").on("zoom", ({ transform }) => {
      this.transform = transform;
      this.draw();
      if (!this.following) onZoom(transform);
    });
    this.target = select(canvas).call(this.zoom);
    canvas.addEventListener("click", (event) => { const hit = this.hit(event); if (hit >= 0) onSelect(hit); });
    canvas.addEventListener("mousemove", (event) => onHover(this.hit(event), event));
    canvas.addEventListener("mouseleave", (event) => onHover(-1, event));
    new ResizeObserver(() => this.resize()).observe(canvas.parentElement);
    matchMedia("screen and (prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  /** Takes over how another one is zoomed. */
  follow(transform) {
    this.following = true;
    this.target.call(this.zoom.transform, transform);
    this.following = false;
  }

  show(run, { channels, mode, selected, found, end = run.end, count = run.length }) {
    const isNew = run !== this.run || mode !== this.mode;
    const moved = selected !== this.selected;
    Object.assign(this, { run, channels, mode, selected, found, end, count });
    this.layout();
    if (isNew) this.fit();
    else if (moved) this.reveal();
    this.draw();
  }

  layout() {
    this.lanes = [];
    let top = AXIS;
    CHANNELS.forEach((name, channel) => {
      if (!this.run.counts[channel] || !this.channels[channel]) return;
      const bars = this.run.heights[channel] * BAR;
      this.lanes.push({ name, channel, top, bars, tick: top + bars });
      top += bars + TICK + GAP;
    });
    if (this.run.chunks.length && this.channels[CHANNELS.indexOf("llm")]) {
      this.lanes.push({ name: "wire", channel: -1, top, bars: 0, tick: top });
      top += TICK + GAP;
    }
    this.height = top + 2;
    this.canvas.parentElement.style.setProperty("--lanes", `${this.height}px`);
    this.resize();
  }

  resize() {
    const box = this.canvas.parentElement, ratio = devicePixelRatio || 1;
    this.width = Math.max(200, box.clientWidth);
    const height = this.height ?? 100;
    this.canvas.style.height = `${height}px`;
    this.canvas.width = this.width * ratio;
    this.canvas.height = height * ratio;
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const extent = [[LABEL, 0], [this.width - 8, height]];
    this.zoom.extent(extent).translateExtent(extent);
    if (this.run) this.draw();
  }

  value(i) { return this.mode === "time" ? this.run.at[i] : i; }

  get base() {
    const end = this.mode === "time" ? Math.max(this.end, 0.001) : Math.max(this.count - 1, 1);
    return scaleLinear([0, end], [LABEL + 4, this.width - 14]);
  }

  get scale() { return this.transform.rescaleX(this.base); }

  fit() { this.target.call(this.zoom.transform, zoomIdentity); }
  by(factor) {
    const at = this.selected >= 0 ? this.scale(this.value(this.selected)) : this.width / 2;
    this.target.call(this.zoom.scaleBy, factor, [Math.min(Math.max(at, LABEL), this.width), 0]);
  }
  pan(share) { this.target.call(this.zoom.translateBy, (-share * (this.width - LABEL)) / this.transform.k, 0); }

  reveal() {
    if (this.selected < 0) return;
    const x = this.scale(this.value(this.selected));
    if (x < LABEL + 10 || x > this.width - 20) this.target.call(this.zoom.translateTo, this.base(this.value(this.selected)), 0);
  }

  /** The first frame at or after a value; frames are in order of time as well as of number. */
  search(value) {
    if (this.mode !== "time") return Math.max(0, Math.ceil(value));
    let low = 0, high = this.run.length;
    while (low < high) { const middle = (low + high) >> 1; if (this.run.at[middle] < value) low = middle + 1; else high = middle; }
    return low;
  }

  chunkValue(chunk) {
    if (this.mode === "time") return chunk.at;
    return chunk.frames.length ? chunk.frames[0] : this.search2(chunk.at);
  }

  search2(at) {
    let low = 0, high = this.run.length;
    while (low < high) { const middle = (low + high) >> 1; if (this.run.at[middle] < at) low = middle + 1; else high = middle; }
    return Math.max(0, low - 0.5);
  }

  hit(event) {
    if (!this.run?.length) return -1;
    const box = this.canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    if (x < LABEL) return -1;
    const lane = this.lanes.find((one) => y >= one.top - GAP / 2 && y < one.tick + TICK + GAP / 2);
    if (!lane) return -1;
    const scale = this.scale, value = scale.invert(x);
    if (lane.channel >= 0 && y < lane.tick) {
      const level = Math.floor((y - lane.top) / BAR);
      const bar = this.run.scopes.find((i) => this.run.channel[i] === lane.channel && this.run.levels.get(i) === level && this.value(i) <= value && this.endOf(i) >= value);
      if (bar !== undefined) return bar;
    }
    if (lane.channel < 0) {
      let best = -1, far = 12;
      for (const chunk of this.run.chunks) {
        const d = Math.abs(scale(this.chunkValue(chunk)) - x);
        if (d < far && chunk.frames.length) { far = d; best = chunk.frames[0]; }
      }
      return best;
    }
    const near = Math.min(this.search(value), this.run.length - 1);
    let best = -1, far = 14;
    for (const step of [-1, 1]) {
      for (let i = step < 0 ? near : near + 1; i >= 0 && i < this.run.length; i += step) {
        const d = Math.abs(scale(this.value(i)) - x);
        if (d > far) break;
        if (this.run.channel[i] === lane.channel && d < far) { far = d; best = i; }
      }
    }
    return best;
  }

  endOf(i) {
    const by = this.run.closedBy[i];
    return by >= 0 ? this.value(by) : this.mode === "time" ? this.run.end : this.run.length - 1;
  }

  draw() {
    const { run, context: c, width, height } = this;
    if (!run || !this.lanes) return;
    const style = getComputedStyle(this.canvas), color = (name) => style.getPropertyValue(`--${name}`).trim();
    const scale = this.scale;
    c.clearRect(0, 0, width, height);
    c.font = `11px ${style.fontFamily}`;
    c.textBaseline = "middle";

    const ticks = scale.ticks(Math.max(2, Math.floor((width - LABEL) / 110)));
    for (const tick of ticks) {
      const x = Math.round(scale(tick)) + 0.5;
      if (x < LABEL) continue;
      c.fillStyle = color("line");
      c.fillRect(x - 0.5, AXIS - 5, 1, height - AXIS + 5);
      c.fillStyle = color("dim");
      const label = this.mode === "time" ? axisLabel(tick, ticks) : Number.isInteger(tick) && tick < run.length ? `#${run.seq(tick)}` : "";
      if (x + c.measureText(label).width + 4 < width) c.fillText(label, x + 4, 9);
    }

    const begin = scale.domain()[0], from = Math.max(0, this.search(scale.invert(LABEL)) - 1);
    const to = Math.min(run.length, this.search(scale.invert(width)) + 2);
    for (const lane of this.lanes) {
      const shade = color(lane.name === "wire" ? "wire" : lane.name);
      c.fillStyle = color("lane");
      c.fillRect(LABEL, lane.tick, width - LABEL, TICK);
      c.save();
      c.beginPath();
      c.rect(LABEL, 0, width - LABEL, height);
      c.clip();
      if (lane.channel < 0) this.drawChunks(c, lane, scale, shade);
      else {
        for (const i of run.scopes) {
          if (run.channel[i] !== lane.channel || run.levels.get(i) > 5) continue;
          const x = scale(this.value(i)), end = scale(this.endOf(i));
          if (end < LABEL || x > width) continue;
          c.globalAlpha = i === this.selected || this.run.closes[this.selected] === i ? 1 : 0.42;
          c.fillStyle = shade;
          c.beginPath();
          c.roundRect(Math.max(x, LABEL - 4), lane.top + run.levels.get(i) * BAR, Math.max(2, end - Math.max(x, LABEL - 4)), BAR - 2, 2);
          c.fill();
        }
        c.globalAlpha = 1;
        c.fillStyle = shade;
        // One tick per pixel column, however many frames it has.
        let drawn = -10;
        for (let i = from; i < to; i++) {
          if (run.channel[i] !== lane.channel || (this.found && !this.found.has(i))) continue;
          const x = Math.round(scale(this.value(i)));
          if (x === drawn) continue;
          drawn = x;
          const small = run.isChunk(i);
          c.fillRect(x - 0.75, lane.tick + (small ? 3 : 0), 1.5, TICK - (small ? 6 : 0));
        }
      }
      c.restore();
      c.globalAlpha = 1;
      c.fillStyle = shade;
      c.beginPath();
      c.roundRect(2, lane.tick + 2, 3, TICK - 4, 1.5);
      c.fill();
      c.fillStyle = color("dim");
      c.fillText(lane.name, 10, lane.tick + TICK / 2 + 0.5);
    }

    c.fillStyle = color("error");
    for (const i of run.broken.keys()) {
      const lane = this.lanes.find((one) => one.channel === run.channel[i]), x = scale(this.value(i));
      if (!lane || x < LABEL || x > width) continue;
      c.beginPath();
      c.moveTo(x - 5, lane.tick + TICK + 7);
      c.lineTo(x + 5, lane.tick + TICK + 7);
      c.lineTo(x, lane.tick + TICK - 1);
      c.fill();
    }
    if (this.selected >= 0 && this.selected < run.length) {
      const x = scale(this.value(this.selected));
      if (x >= LABEL - 1 && x <= width) {
        c.fillStyle = color("accent");
        c.fillRect(x - 0.75, AXIS - 4, 1.5, height);
        c.beginPath();
        c.arc(x, AXIS - 4, 4, 0, 7);
        c.fill();
      }
    }
    this.begin = begin;
  }

  drawChunks(c, lane, scale, shade) {
    const chosen = this.run.chunkOf.get(this.selected);
    let drawn = -10;
    c.fillStyle = shade;
    for (const place of this.run.chunkOrder) {
      const chunk = this.run.chunks[place], x = Math.round(scale(this.chunkValue(chunk)));
      if (x < LABEL || x > this.width || (x === drawn && place !== chosen)) continue;
      drawn = x;
      c.globalAlpha = place === chosen ? 1 : 0.7;
      c.fillRect(x - 1, lane.tick + 2, place === chosen ? 3 : 2, TICK - 4);
    }
    // From the chosen chunk to the frames that it became.
    if (chosen !== undefined) {
      const chunk = this.run.chunks[chosen], llm = this.lanes.find((one) => one.name === "llm");
      if (!llm) return;
      c.globalAlpha = 0.8;
      c.strokeStyle = shade;
      for (const i of chunk.frames) {
        c.beginPath();
        c.moveTo(scale(this.chunkValue(chunk)), lane.tick + 2);
        c.lineTo(scale(this.value(i)), llm.tick + TICK);
        c.stroke();
      }
    }
  }
}

function axisLabel(ms, ticks) {
  const step = ticks.length > 1 ? ticks[1] - ticks[0] : 1;
  if (ms === 0) return "0";
  if (step >= 1000) return `${ms / 1000} s`;
  if (ms >= 1000) return `${(ms / 1000).toFixed(step >= 100 ? 1 : step >= 10 ? 2 : 3)} s`;
  return step >= 1 ? `${ms} ms` : milliseconds(ms);
}
