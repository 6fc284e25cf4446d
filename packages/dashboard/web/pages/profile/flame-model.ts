// Where tasks spend their time: what was sampled, as frames of a flame graph and as a table. No DOM, no clock.

/** A function as it was called along one path. */
export interface ProfiledCall {
  readonly name: string;
  /** "" for what is the engine's own. */
  readonly file: string;
  /** From 1; 0 when it is not known. */
  readonly line: number;
  /** Milliseconds in the function itself; and with all that it called. */
  readonly selfMs: number;
  readonly totalMs: number;
  /** Lines of the file with the share of the function's own samples, the largest first. */
  readonly lines: readonly {
    readonly line: number;
    readonly share: number;
    /** The line itself, of code that was sent with a task. */
    readonly text?: string;
  }[];
  readonly calls: readonly ProfiledCall[];
}

/** What GET /api/v1/profile answers. */
export interface Profile {
  readonly durationMs: number;
  readonly workers: readonly string[];
  /** Slots that were sampled; and those that did not answer. */
  readonly threads: number;
  readonly silent: number;
  readonly functions: readonly ProfiledCall[];
  readonly idleMs: number;
  readonly garbageMs: number;
  readonly otherMs: number;
}

/** A box of the graph. They are in the order of a walk: a frame, what it called, its next sibling. */
export interface Frame {
  readonly index: number;
  /** Null: the whole, frame 0. */
  readonly call: ProfiledCall | null;
  readonly name: string;
  /** Index of what called it; -1 of the whole. */
  readonly parent: number;
  readonly depth: number;
  /** From 0 to 1 of all that tasks ran. */
  readonly start: number;
  readonly width: number;
  readonly selfMs: number;
  readonly totalMs: number;
}

/** What one picture holds; a profile can have far more. The smallest are left out. */
const MOST_FRAMES = 20_000;
/** Of the whole: a frame below is not seen at any zoom that a person uses. */
const SMALLEST_SHARE = 1e-5;

/** All frames, each under what called it, the longest first. */
export function framesOf(profile: Pick<Profile, "functions">): Frame[] {
  const all = profile.functions.reduce((sum, { totalMs }) => sum + totalMs, 0);
  const whole = { call: null, name: "All tasks", parent: -1, depth: 0, start: 0, width: 1, selfMs: 0, totalMs: all };
  const frames: Frame[] = [{ index: 0, ...whole }];
  if (all <= 0) return frames;
  // Not by recursion: a stack can be deep. Children are pushed last first, so that the first is the next.
  const stack: Omit<Frame, "index">[] = [];
  const push = (calls: readonly ProfiledCall[], parent: number, depth: number, from: number): void => {
    const found: Omit<Frame, "index">[] = [];
    let start = from;
    for (const call of [...calls].sort((a, b) => b.totalMs - a.totalMs)) {
      const width = call.totalMs / all;
      if (width >= SMALLEST_SHARE)
        found.push({ call, name: call.name, parent, depth, start, width, selfMs: call.selfMs, totalMs: call.totalMs });
      start += width;
    }
    stack.push(...found.reverse());
  };
  push(profile.functions, 0, 1, 0);
  for (let next = stack.pop(); next !== undefined && frames.length < MOST_FRAMES; next = stack.pop()) {
    const index = frames.length;
    frames.push({ index, ...next });
    push(next.call?.calls ?? [], index, next.depth + 1, next.start);
  }
  return frames;
}

/** A frame as it is drawn when one of them is zoomed to the whole width. */
export interface Box {
  readonly frame: Frame;
  /** Pixels. */
  readonly left: number;
  readonly width: number;
}

const THINNEST_PX = 1;
const MOST_BOXES = 3000;

/** What is seen of the frames when `zoom` fills the width: what called it, itself, and what it called, unless it is thinner than a pixel. */
export function boxesOf(frames: readonly Frame[], zoom: number, width: number): Box[] {
  const top = frames[zoom] ?? frames[0]!;
  const above = new Set(pathOf(frames, top.index).map(({ index }) => index));
  const boxes: Box[] = [];
  for (const frame of frames) {
    if (above.has(frame.index)) {
      boxes.push({ frame, left: 0, width });
      continue;
    }
    if (frame.start < top.start - 1e-12 || frame.start + frame.width > top.start + top.width + 1e-9) continue;
    if (frame.depth <= top.depth) continue;
    const scaled = (frame.width / top.width) * width;
    if (scaled < THINNEST_PX) continue;
    boxes.push({ frame, left: ((frame.start - top.start) / top.width) * width, width: scaled });
  }
  if (boxes.length <= MOST_BOXES) return boxes;
  const least = boxes.map((box) => box.width).sort((a, b) => b - a)[MOST_BOXES]!;
  return boxes.filter((box) => box.width > least);
}

/** From the whole down to the frame. */
export function pathOf(frames: readonly Frame[], index: number): Frame[] {
  const path: Frame[] = [];
  for (let at = frames[index]; at !== undefined; at = frames[at.parent]) path.unshift(at);
  return path;
}

/** Frames with this text in their name or file, and the share of the time under them, each ms counted once. */
export function search(
  frames: readonly Frame[],
  text: string,
): { readonly found: ReadonlySet<number>; readonly share: number } {
  const wanted = text.trim().toLowerCase();
  const found = new Set<number>();
  if (wanted === "") return { found, share: 0 };
  let share = 0;
  /** Where the outermost frame that was found last ends: those inside it are not counted again. */
  let until = 0;
  let untilIndex = -1;
  for (const frame of frames) {
    if (frame.call === null) continue;
    if (!`${frame.name} ${placeOf(frame.call)}`.toLowerCase().includes(wanted)) continue;
    found.add(frame.index);
    const isInside = untilIndex >= 0 && frame.start >= frames[untilIndex]!.start && frame.start < until - 1e-12;
    if (isInside && frame.depth > frames[untilIndex]!.depth) continue;
    share += frame.width;
    until = frame.start + frame.width;
    untilIndex = frame.index;
  }
  return { found, share };
}

/** How workers name the file of code that was sent to them. */
const SENT = /([^/\\]+)-[0-9a-f]{8}\.taskflock-function\.js$/;

/** `file:line`; "crunch, line 5 of its code" for code that was sent; "" for what is the engine's own. */
export function placeOf({ file, line }: Pick<ProfiledCall, "file" | "line">): string {
  const sent = SENT.exec(file)?.[1];
  if (sent !== undefined) return line > 0 ? `${sent}, line ${line} of its code` : sent;
  const short = file.replace(/^.*\/node_modules\//, "");
  return line > 0 && file !== "" ? `${short}:${line}` : short;
}

export interface SelfRow {
  readonly name: string;
  readonly file: string;
  /** Where the most of its own time is. */
  readonly line: number;
  /** That line itself; "" where it is not known. */
  readonly text: string;
  readonly selfMs: number;
  readonly totalMs: number;
  readonly selfShare: number;
  readonly totalShare: number;
  /** One of its frames, the widest. */
  readonly frame: number;
}

/** Milliseconds by line of a function, and the text of the line. */
type LineTimes = Map<number, { ms: number; text: string }>;

function addLines(into: LineTimes, { lines, selfMs }: ProfiledCall): void {
  for (const { line, share, text = "" } of lines) {
    const before = into.get(line)?.ms ?? 0;
    into.set(line, { ms: before + share * selfMs, text });
  }
}

function hottest(lines: LineTimes, otherwise: number): { readonly line: number; readonly text: string } {
  const [first] = [...lines].sort(([, a], [, b]) => b.ms - a.ms);
  return first === undefined ? { line: otherwise, text: "" } : { line: first[0], text: first[1].text };
}

/** Functions by the time spent in themselves, wherever they were called from. */
export function selfTable(frames: readonly Frame[]): SelfRow[] {
  const all = frames[0]?.totalMs ?? 0;
  const rows = new Map<string, { frame: Frame; selfMs: number; totalMs: number; lines: LineTimes }>();
  for (const frame of frames) {
    const { call } = frame;
    if (call === null) continue;
    const key = keyOf(call);
    const row = rows.get(key) ?? { frame, selfMs: 0, totalMs: 0, lines: new Map() };
    rows.set(key, row);
    row.selfMs += frame.selfMs;
    // What calls itself is not counted once more inside itself.
    if (!callsItself(frames, frame, key)) row.totalMs += frame.totalMs;
    if (frame.width > row.frame.width) row.frame = frame;
    addLines(row.lines, call);
  }
  const table = Array.from(rows.values(), ({ frame, selfMs, totalMs, lines }) => ({
    ...hottest(lines, frame.call!.line),
    name: frame.name,
    file: frame.call!.file,
    selfMs,
    totalMs,
    selfShare: all === 0 ? 0 : selfMs / all,
    totalShare: all === 0 ? 0 : totalMs / all,
    frame: frame.index,
  }));
  return table.sort((a, b) => b.selfMs - a.selfMs || b.totalMs - a.totalMs || a.name.localeCompare(b.name));
}

function keyOf({ name, file, line }: ProfiledCall): string {
  return `${name}\n${file}\n${line}`;
}

function callsItself(frames: readonly Frame[], frame: Frame, key: string): boolean {
  for (let at = frames[frame.parent]; at?.call != null; at = frames[at.parent]) if (keyOf(at.call) === key) return true;
  return false;
}

export type FlameStep = "up" | "down" | "next" | "previous";

/** Where a key leads from a frame: to what called it, to what it called most, to its siblings. The same frame when there is none. */
export function stepFrom(frames: readonly Frame[], index: number, step: FlameStep): number {
  const from = frames[index];
  if (from === undefined) return 0;
  if (step === "up") return Math.max(0, from.parent);
  if (step === "down") return frames[index + 1]?.parent === index ? index + 1 : index;
  const siblings = frames.filter(({ parent }) => parent === from.parent).map((frame) => frame.index);
  const at = siblings.indexOf(index) + (step === "next" ? 1 : -1);
  return siblings[at] ?? index;
}

/** Two profiles of the same code, one after the other, as one. */
export function mergedProfiles(a: Profile, b: Profile): Profile {
  return {
    durationMs: a.durationMs + b.durationMs,
    workers: [...new Set([...a.workers, ...b.workers])],
    threads: Math.max(a.threads, b.threads),
    silent: Math.max(a.silent, b.silent),
    functions: mergedCalls([...a.functions, ...b.functions]),
    idleMs: a.idleMs + b.idleMs,
    garbageMs: a.garbageMs + b.garbageMs,
    otherMs: a.otherMs + b.otherMs,
  };
}

function mergedCalls(calls: readonly ProfiledCall[]): ProfiledCall[] {
  const groups = new Map<string, ProfiledCall[]>();
  for (const call of calls) {
    const group = groups.get(keyOf(call));
    if (group === undefined) groups.set(keyOf(call), [call]);
    else group.push(call);
  }
  return Array.from(groups.values(), (group) => (group.length === 1 ? group[0]! : oneOf(group)));
}

function oneOf(group: readonly ProfiledCall[]): ProfiledCall {
  const first = group[0]!;
  const selfMs = group.reduce((sum, call) => sum + call.selfMs, 0);
  const lines: LineTimes = new Map();
  for (const call of group) addLines(lines, call);
  return {
    ...first,
    selfMs,
    totalMs: group.reduce((sum, call) => sum + call.totalMs, 0),
    lines: Array.from(lines, ([line, { ms, text }]) => ({ line, share: selfMs > 0 ? ms / selfMs : 0, text })).sort(
      (a, b) => b.share - a.share,
    ),
    calls: mergedCalls(group.flatMap((call) => call.calls)),
  };
}
