// Events and printed lines as one list in the order of time, and which of them a reader wants to see. No DOM.

import type { ClusterEvent, EventKind, LogEntry } from "@taskflock/protocol/words";

export interface Line {
  /** "e12" for event 12, "l40" for line 40: unique, and the same each time. */
  readonly id: string;
  /** µs of the scheduler's clock. */
  readonly at: number;
  readonly source: "event" | "stdout" | "stderr";
  /** An event's kind in words; "" for what was printed. */
  readonly kind: string;
  readonly tone: "neutral" | "warning" | "bad";
  /** The worker, or the client. */
  readonly who: string;
  readonly isWorker: boolean;
  readonly key: string;
  readonly run: string;
  readonly text: string;
}

export const sources = ["all", "events", "logs", "stdout", "stderr"] as const;
export type Source = (typeof sources)[number];

/** "" is any. */
export interface Filter {
  readonly source: Source;
  readonly worker: string;
  readonly run: string;
  /** The whole key of a task. */
  readonly key: string;
  /** Any part of anything that is shown, upper and lower case alike. */
  readonly text: string;
}

const bad = new Set<EventKind>(["workerLost", "actorLost", "pluginFailed", "fileFailed", "forgottenFailed"]);
const warning = new Set<EventKind>([
  ...(["workerCut", "workerPaused", "spotNotice", "straggler", "relayed", "dataAsked", "clientGone"] as const),
]);
const ofClients = new Set<EventKind>([
  "clientJoined",
  "clientGone",
  "note",
  "leaseFreed",
  "runDetached",
  "runForgotten",
]);

/** "workerJoined" → "worker joined". */
export function kindInWords(kind: EventKind): string {
  return kind.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function lineOfEvent({ seq, at, kind, who, key, text }: ClusterEvent): Line {
  const tone = bad.has(kind) ? "bad" : warning.has(kind) ? "warning" : "neutral";
  const isWorker = who !== "" && !ofClients.has(kind);
  return { id: `e${seq}`, at, source: "event", kind: kindInWords(kind), tone, who, isWorker, key, run: "", text };
}

/** All of a worker's own words are on stderr; the first one says how bad it is. */
function toneOfWorker(text: string): Line["tone"] {
  return /^(ERROR|FATAL)\b/.test(text) ? "bad" : /^WARN\b/.test(text) ? "warning" : "neutral";
}

function lineOfLog({ seq, at, worker, key, run, stream, text }: LogEntry): Line {
  const tone = key === "" ? toneOfWorker(text) : stream === "stderr" ? "warning" : "neutral";
  return { id: `l${seq}`, at, source: stream, kind: "", tone, who: worker, isWorker: true, key, run, text };
}

/** The same line for the same event, so that it is drawn once. */
const made = new WeakMap<object, Line>();

function once<T extends object>(from: T, make: (from: T) => Line): Line {
  let line = made.get(from);
  if (line === undefined) {
    line = make(from);
    made.set(from, line);
  }
  return line;
}

interface Numbered {
  readonly seq: number;
}

/** Two lists in the order of their numbers as one; what is in both is there once. */
export function joined<T extends Numbered>(earlier: readonly T[], live: readonly T[]): readonly T[] {
  if (earlier.length === 0) return live;
  return inOrder(earlier, live, (a, b) => a.seq - b.seq, true);
}

/** Events and lines, each in the order of their numbers, as one list in the order of time. */
export function timeline(events: readonly ClusterEvent[], logs: readonly LogEntry[]): readonly Line[] {
  const ofEvents = events.map((event) => once(event, lineOfEvent));
  const ofLogs = logs.map((log) => once(log, lineOfLog));
  return inOrder(ofEvents, ofLogs, (a, b) => a.at - b.at, false);
}

/** Of equals the first list's come first, or stand for both. */
function inOrder<T>(
  first: readonly T[],
  second: readonly T[],
  compare: (a: T, b: T) => number,
  areOne: boolean,
): readonly T[] {
  const all: T[] = [];
  let next = 0;
  for (const item of first) {
    while (next < second.length && compare(second[next]!, item) < 0) all.push(second[next++]!);
    all.push(item);
    if (areOne && next < second.length && compare(second[next]!, item) === 0) next++;
  }
  for (; next < second.length; next++) all.push(second[next]!);
  return all;
}

const isOfSource: Readonly<Record<Source, (line: Line) => boolean>> = {
  all: () => true,
  events: ({ source }) => source === "event",
  logs: ({ source }) => source !== "event",
  stdout: ({ source }) => source === "stdout",
  stderr: ({ source }) => source === "stderr",
};

export function filtered(lines: readonly Line[], filter: Filter): readonly Line[] {
  const { worker, run, key } = filter;
  const text = filter.text.toLowerCase();
  const ofSource = isOfSource[filter.source];
  return lines.filter(
    (line) =>
      ofSource(line) &&
      (worker === "" || line.who === worker) &&
      // An event says of which task it is, and not of which run.
      (run === "" || line.run === run) &&
      (key === "" || line.key === key) &&
      (text === "" || searched(line).includes(text)),
  );
}

function searched({ text, who, key, run, kind }: Line): string {
  return `${text}\n${who}\n${key}\n${run}\n${kind}`.toLowerCase();
}

/** As text for the clipboard or a file; `timeOf` writes a moment. */
export function asText(lines: readonly Line[], timeOf: (at: number) => string): string {
  const said = lines.map(({ at, source, kind, who, key, text }) => {
    const what = source === "event" ? kind : source;
    const head = [timeOf(at), who, what, key].filter((part) => part !== "").join("  ");
    return `${head}  ${text.replace(/\n$/, "").replaceAll("\n", "\n    ")}`;
  });
  return `${said.join("\n")}\n`;
}

/** Names that are worth offering in a filter, in their order. */
export function namesIn(lines: readonly Line[], known: Iterable<string>, of: "who" | "run"): readonly string[] {
  const names = new Set(known);
  for (const line of lines) if (of === "run" || line.isWorker) names.add(line[of]);
  names.delete("");
  return [...names].sort(new Intl.Collator("en", { numeric: true }).compare);
}
