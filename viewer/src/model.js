// One run, decoded: its frames as columns, the tree of its scopes, what is said, and what the provider sent.

export const CHANNELS = ["flow", "lifecycle", "llm", "tools", "messages", "custom"];
const CHUNK = /_chunk$/;
const TELLING = ["chunk", "error", "response", "result", "output", "tool_args", "feedback", "message", "content", "inputs"];
// Payload fields that an event of any type has.
const COMMON = new Set("agent_id agent_role fingerprint_metadata source_fingerprint source_type started_event_id task_id task_name triggered_by_event_id".split(" "));
/** So many chunks in a row are one line, until it is opened. */
const FOLD = 3;

export class Run {
  constructor(raw, index) {
    this.index = index;
    this.title = raw.title;
    this.raw = raw;
    const rows = raw.frames;
    this.length = rows.length;
    this.at = Float64Array.from(rows, (row) => row[9]);
    // Clocks may step back; lanes are searched by time.
    for (let i = 1; i < this.length; i++) if (this.at[i] < this.at[i - 1]) this.at[i] = this.at[i - 1];
    this.channel = Uint8Array.from(rows, (row) => Math.max(0, CHANNELS.indexOf(raw.channels[row[2]])));
    this.parent = Int32Array.from(rows, (row) => (Number.isInteger(row[4]) ? row[4] : -1));
    this.end = this.length ? this.at[this.length - 1] : 0;
    this.counts = CHANNELS.map(() => 0);
    for (const channel of this.channel) this.counts[channel]++;
    this.#scopes();
    this.#texts();
    this.#wire();
    this.findings = raw.findings;
    this.broken = new Map();
    for (const finding of raw.findings) {
      if (finding.place === null) continue;
      this.broken.set(finding.place, [...(this.broken.get(finding.place) ?? []), finding]);
    }
    this.searched = null;
  }

  type(i) { return this.raw.types[this.raw.frames[i][1]]; }
  seq(i) { return this.raw.frames[i][0]; }
  data(i) { return this.raw.frames[i][8]; }
  namespace(i) { return this.raw.namespaces[this.raw.frames[i][3]]; }
  id(i) { return this.raw.frames[i][6] || `f${this.seq(i)}`; }
  link(i, column) { const value = this.raw.frames[i][column]; return value ?? null; }

  /** The payload as it was, keys in order, nulls included. */
  payload(i) {
    const row = this.raw.frames[i], whole = { ...row[8] };
    for (const name of this.raw.shapes[row[7]]) whole[name] = null;
    if (whole.tool_call?.function && !("arguments" in whole.tool_call.function)) {
      whole.tool_call = { ...whole.tool_call, function: { ...whole.tool_call.function, arguments: this.argumentsTo(i) } };
    }
    return Object.fromEntries(Object.entries(whole).sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  argumentsTo(i) {
    const { call_id, tool_call } = this.data(i);
    let joined = "";
    for (let k = this.parent[i] + 1; k <= i; k++) {
      const other = this.data(k);
      if (other.call_type === "tool_call" && other.call_id === call_id && other.tool_call?.index === tool_call.index) joined += other.chunk ?? "";
    }
    return joined;
  }

  frame(i) {
    const name = (value) => (Number.isInteger(value) ? this.id(value) : value);
    return { channel: CHANNELS[this.channel[i]], data: this.payload(i), id: this.id(i), namespace: this.namespace(i), parent_id: name(this.link(i, 4)), previous_id: name(this.link(i, 5)), seq: this.seq(i), type: this.type(i), offset_ms: this.raw.frames[i][9] };
  }

  summary(i) {
    const data = this.data(i), type = this.type(i);
    if (CHUNK.test(type)) return [data.call_type === "tool_call" ? `${data.tool_call?.function?.name ?? ""}` : "", typeof data.chunk === "string" ? data.chunk : ""];
    // The frames of an agent's calls name the agent, too.
    const ofCrew = CHANNELS[this.channel[i]] === "lifecycle" ? (data.crew_name ?? data.agent_role ?? data.task_name) : null;
    const named = data.method_name ?? data.tool_name ?? data.model ?? ofCrew ?? data.role ?? data.route ?? data.flow_name ?? "";
    const key = TELLING.find((one) => data[one] !== undefined && !isEmpty(data[one]));
    // What users publish has fields of their own.
    const own = CHANNELS[this.channel[i]] === "custom" ? Object.fromEntries(Object.entries(data).filter(([name, value]) => value !== null && !COMMON.has(name))) : {};
    const telling = key !== undefined ? data[key] : isEmpty(own) ? "" : own;
    // What a task or a crew came to: its text, and what else there is to know of it.
    const told = typeof telling.raw === "string" ? telling.raw : telling;
    return [String(named), typeof told === "string" ? told : JSON.stringify(told)];
  }

  isChunk(i) { return CHUNK.test(this.type(i)); }

  /** The text in which a frame is sought, made once. */
  sought(i) {
    this.searched ??= new Array(this.length);
    return (this.searched[i] ??= `${this.seq(i)} ${this.type(i)} ${JSON.stringify(this.data(i))}`.toLowerCase());
  }

  // Scopes: who opened what, where it ends, and the children of each frame in order.
  #scopes() {
    const n = this.length, ids = new Map();
    this.depth = new Uint16Array(n);
    this.closes = new Int32Array(n).fill(-1);
    this.closedBy = new Int32Array(n).fill(-1);
    this.first = new Int32Array(n).fill(-1);
    this.next = new Int32Array(n).fill(-1);
    this.roots = [];
    const last = new Int32Array(n).fill(-1);
    for (let i = 0; i < n; i++) {
      if (this.seq(i) === 1) ids.clear();
      ids.set(this.id(i), i);
      const parent = this.parent[i];
      const opened = ids.get(this.data(i).started_event_id);
      if (opened !== undefined) { this.closes[i] = opened; this.closedBy[opened] = i; }
      if (parent < 0 || parent >= i) { this.roots.push(i); continue; }
      this.depth[i] = this.depth[parent] + 1;
      if (this.first[parent] < 0) this.first[parent] = i;
      else this.next[last[parent]] = i;
      last[parent] = i;
    }
    this.scopes = [];
    for (let i = 0; i < n; i++) if (this.first[i] >= 0 || this.closedBy[i] >= 0) this.scopes.push(i);
    this.levels = this.#levels();
  }

  // Bars of scopes: those that lie over one another have a level each, within their channel.
  #levels() {
    const levels = new Map(), ends = CHANNELS.map(() => []);
    for (const i of this.scopes) {
      const stack = ends[this.channel[i]], begin = this.at[i], end = this.closedBy[i] < 0 ? this.end : this.at[this.closedBy[i]];
      let level = stack.findIndex((until) => until <= begin);
      if (level < 0) level = stack.length;
      stack[level] = Math.max(end, begin + 1e-6);
      levels.set(i, level);
    }
    this.heights = ends.map((stack) => Math.min(stack.length, 6));
    return levels;
  }

  // The answer: text of calls, with the place of each piece.
  #texts() {
    this.pieces = [];
    this.textStart = new Int32Array(this.length).fill(-1);
    const parts = [];
    let length = 0, call = -1;
    for (let i = 0; i < this.length; i++) {
      const data = this.data(i);
      if (this.type(i) !== "llm_stream_chunk" || data.call_type === "tool_call" || typeof data.chunk !== "string") continue;
      if (call >= 0 && this.parent[i] !== call) { parts.push("\n\n"); length += 2; }
      call = this.parent[i];
      this.textStart[i] = length;
      this.pieces.push(i);
      parts.push(data.chunk);
      length += data.chunk.length;
    }
    this.text = parts.join("");
  }

  /** The frame whose text has this character. */
  pieceAt(offset) {
    let low = 0, high = this.pieces.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.textStart[this.pieces[middle]] <= offset) low = middle;
      else high = middle - 1;
    }
    return this.pieces[low] ?? -1;
  }

  /** How much of the text is there at a frame, and where the last piece of it begins. */
  grownTo(i) {
    let low = 0, high = this.pieces.length;
    while (low < high) { const middle = (low + high) >> 1; if (this.pieces[middle] <= i) low = middle + 1; else high = middle; }
    if (low === 0) return [0, 0];
    const piece = this.pieces[low - 1], begin = this.textStart[piece];
    return [piece === i ? begin : begin + this.data(piece).chunk.length, begin + this.data(piece).chunk.length];
  }

  // What the provider sent, put beside the frames: no chunk comes after the frame that it became.
  #wire() {
    this.chunks = [];
    this.chunkOf = new Map();
    this.raw.answers.forEach((answer, number) => {
      let sent = Infinity;
      for (const [frame, chunk] of answer.carried) sent = Math.min(sent, this.at[frame] - answer.chunks[chunk][0]);
      if (!Number.isFinite(sent)) sent = this.at[answer.call];
      sent = Math.max(sent, this.at[answer.call]);
      const base = this.chunks.length;
      answer.chunks.forEach(([ms, length, text], place) => this.chunks.push({ answer, number, place, at: sent + ms, ms, length, text, frames: [] }));
      for (const [frame, chunk] of answer.carried) {
        this.chunks[base + chunk].frames.push(frame);
        this.chunkOf.set(frame, base + chunk);
      }
    });
    this.chunkOrder = this.chunks.map((_, place) => place).sort((one, other) => this.chunks[one].at - this.chunks[other].at);
  }

  /**
   * The lines to show, each `[frame, count]`: a frame, or with a count a row of chunks that is folded.
   * `shut` has the scopes that are closed, `unfolded` the rows that are open; a filter shows what it finds, each on a line.
   */
  lines({ shut, unfolded, channels, found, flat }) {
    const lines = [], all = channels.every(Boolean);
    if (found || flat || !all) {
      for (let i = 0; i < this.length; i++) {
        if (!channels[this.channel[i]] || (found && !found.has(i))) continue;
        i = this.#folded(lines, i, found || !all ? null : (k) => (k + 1 < this.length ? k + 1 : -1), unfolded);
      }
      return lines;
    }
    const walk = (i) => {
      const pending = [i];
      while (pending.length) {
        let k = pending.pop();
        while (k >= 0) {
          k = this.#folded(lines, k, (one) => this.next[one], unfolded);
          const following = this.next[k];
          if (this.first[k] >= 0 && !shut.has(k)) {
            if (following >= 0) pending.push(following);
            k = this.first[k];
          } else k = following;
        }
      }
    };
    this.roots.forEach(walk);
    return lines;
  }

  // Adds a line for `i`, or for the row of like chunks that begins there; returns the last frame that it stands for.
  #folded(lines, i, next, unfolded) {
    if (!next || !this.isChunk(i) || this.first[i] >= 0) {
      lines.push([i, 1, i]);
      return i;
    }
    const kind = this.data(i).call_type, type = this.raw.frames[i][1], isOpen = unfolded.has(i);
    const row = [i];
    for (let k = next(i); k >= 0 && this.raw.frames[k][1] === type && this.parent[k] === this.parent[i] && this.data(k).call_type === kind && this.first[k] < 0; k = next(k)) {
      if (!isOpen && this.broken.has(k)) break;
      row.push(k);
    }
    const last = row[row.length - 1];
    if (isOpen || row.length < FOLD) for (const k of row) lines.push([k, 1, k]);
    else lines.push([i, row.length, last]);
    return last;
  }
}

function isEmpty(value) {
  return value === null || (typeof value === "object" && Object.keys(value).length === 0);
}

export function decoded(document) {
  return document.runs.map((raw, index) => new Run(raw, index));
}

export function milliseconds(ms) {
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 1000) return `${ms < 100 ? ms.toFixed(1) : Math.round(ms)} ms`;
  return ms < 60000 ? `${(ms / 1000).toFixed(2)} s` : `${Math.floor(ms / 60000)} min ${((ms % 60000) / 1000).toFixed(0)} s`;
}
