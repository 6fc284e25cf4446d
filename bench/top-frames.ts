// `npx tsx bench/top-frames.ts DIR [--frames N] [--total]`: where the time of `npm run bench -- --profile DIR` went, or what
// `--allocations DIR` saw allocated: for each thread of each process the frames with the largest share, their own or, with --total,
// with all that they called.

import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: CallFrame;
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}
interface HeapNode {
  readonly callFrame: CallFrame;
  readonly selfSize: number;
  readonly children: readonly HeapNode[];
}
/** A place in the tree of calls: its frame, and who called it. */
interface Call {
  readonly name: string;
  readonly caller: Call | null;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { frames: { type: "string", default: "15" }, total: { type: "boolean", default: false } },
});
type Shares = Map<string, number>;

/** A thread that waits: for events, or in a slot for the next batch. */
const WAITS = /^(\(idle\)$|atomicsWaitLoop )/;
const WAITING = "(waiting)";

function nameOf({ functionName, url, lineNumber }: CallFrame): string {
  const place = url === "" ? "" : ` ${url.startsWith("node:") ? url : basename(url)}:${lineNumber + 1}`;
  return `${functionName || "(anonymous)"}${place}`;
}

/** To the frame itself, or once to each of the frames that led to it. */
function add(shares: Shares, call: Call, amount: number): void {
  const waits = WAITS.test(call.name);
  const names = new Set([waits ? WAITING : call.name]);
  if (values.total && !waits) for (let at = call.caller; at !== null; at = at.caller) names.add(at.name);
  for (const name of names) shares.set(name, (shares.get(name) ?? 0) + amount);
}

function addCpu(shares: Shares, { nodes, samples, timeDeltas }: CpuProfile): void {
  const calls = new Map<number, Call>();
  const callers = new Map<number, Call>();
  // Callers come before those they call.
  for (const { id, callFrame, children = [] } of nodes) {
    const call = { name: nameOf(callFrame), caller: callers.get(id) ?? null };
    calls.set(id, call);
    for (const child of children) callers.set(child, call);
  }
  // A delta is the time since the sample before: what ran then.
  samples.forEach((id, index) => void add(shares, calls.get(id)!, timeDeltas[index + 1] ?? 0));
}

function addHeap(shares: Shares, { callFrame, selfSize, children }: HeapNode, caller: Call | null): void {
  const call = { name: nameOf(callFrame), caller };
  if (selfSize > 0) add(shares, call, selfSize);
  for (const child of children) addHeap(shares, child, call);
}

const folder = positionals[0] ?? ".";
const threads = new Map<string, { readonly shares: Shares; readonly unit: string; files: number }>();
for (const file of readdirSync(folder).sort()) {
  const [, stem, ending] = /^(.*)~\d+\.(cpuprofile|heapprofile)$/.exec(file) ?? [];
  if (stem === undefined) continue;
  const thread = threads.get(stem) ?? { shares: new Map(), unit: ending === "cpuprofile" ? "ms" : "kB", files: 0 };
  threads.set(stem, thread);
  thread.files++;
  const profile = JSON.parse(readFileSync(join(folder, file), "utf8"));
  if (ending === "cpuprofile") addCpu(thread.shares, profile);
  else addHeap(thread.shares, profile.head, null);
}
for (const [stem, { shares, unit, files }] of threads) {
  const idle = shares.get(WAITING) ?? 0;
  shares.delete(WAITING);
  const total = shares.get("(root)") ?? [...shares.values()].reduce((a, b) => a + b, 0);
  const shown = (amount: number): string => (amount / 1000 / files).toFixed(1);
  console.log(
    `\n${stem.replaceAll("~", " · ")}: ${shown(total)} ${unit} a run${idle > 0 ? `, waiting ${shown(idle)}` : ""}`,
  );
  const top = [...shares].sort((a, b) => b[1] - a[1]).slice(0, Number(values.frames));
  for (const [name, amount] of top) {
    console.log(`${shown(amount).padStart(9)} ${((100 * amount) / total).toFixed(1).padStart(5)} %  ${name}`);
  }
}
