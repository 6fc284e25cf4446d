// `npx tsx bench/top-frames.ts DIR [--frames N]`: where the time of `npm run bench -- --profile DIR` went, or what
// `--allocations DIR` saw allocated: for each thread of each process the frames with the largest own share.

import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}
interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}
interface HeapNode {
  readonly callFrame: CallFrame;
  readonly selfSize: number;
  readonly children: readonly HeapNode[];
}

type Shares = Map<string, number>;

/** A thread that waits: for events, or in a slot for the next batch. */
const WAITS = /^(\(idle\)$|atomicsWaitLoop )/;

function add(shares: Shares, frame: CallFrame, amount: number): void {
  const { functionName, url, lineNumber } = frame;
  const place = url === "" ? "" : ` ${url.startsWith("node:") ? url : basename(url)}:${lineNumber + 1}`;
  const name = `${functionName || "(anonymous)"}${place}`;
  shares.set(name, (shares.get(name) ?? 0) + amount);
}

function addCpu(shares: Shares, { nodes, samples, timeDeltas }: CpuProfile): void {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  // A delta is the time since the sample before: what ran then.
  samples.forEach((id, index) => void add(shares, frames.get(id)!, timeDeltas[index + 1] ?? 0));
}

function addHeap(shares: Shares, { callFrame, selfSize, children }: HeapNode): void {
  if (selfSize > 0) add(shares, callFrame, selfSize);
  for (const child of children) addHeap(shares, child);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { frames: { type: "string", default: "15" } },
});
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
  else addHeap(thread.shares, profile.head);
}
for (const [stem, { shares, unit, files }] of threads) {
  let idle = 0;
  for (const [name, amount] of shares) {
    if (!WAITS.test(name)) continue;
    idle += amount;
    shares.delete(name);
  }
  const total = [...shares.values()].reduce((a, b) => a + b, 0);
  const shown = (amount: number): string => (amount / 1000 / files).toFixed(1);
  console.log(
    `\n${stem.replaceAll("~", " · ")}: ${shown(total)} ${unit} a run${idle > 0 ? `, idle ${shown(idle)}` : ""}`,
  );
  const top = [...shares].sort((a, b) => b[1] - a[1]).slice(0, Number(values.frames));
  for (const [name, amount] of top) {
    console.log(`${shown(amount).padStart(9)} ${((100 * amount) / total).toFixed(1).padStart(5)} %  ${name}`);
  }
}
