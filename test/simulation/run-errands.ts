// What modelled clients do with each other's detached runs: attach to them, get what they made, and forget them.

import type { AttachedInfo, AttachedTasks, CodePlace, RunId, RunNumber, TaskNumber } from "@taskflock/protocol/words";
import type { ClientProcess } from "./client-process.ts";
import type { ModelFuture, PlannedBurst } from "./model-future.ts";
import type { Random } from "./random.ts";
import { makesActor, mayHang, type TaskSpec } from "./tasks.ts";

/** Tasks of one answer: few, so that there are several. */
const PAGE = 8;

export function runErrand(client: ClientProcess, random: Random): void {
  const name = `run ${random.between(1, 2)}`;
  const forgets = random.chance(0.15);
  const share = random.next();
  client.ask({ q: "attach", name, as: client.newRun() }, ({ value, error }) => {
    if (error !== null) return;
    const { owner, run } = value as AttachedInfo;
    if (run.name !== name) throw new Error(`${client.name} attached to ${name}, and got ${run.name}`);
    page(client, { owner, run: run.run as RunId, share }, 0, () => {
      if (forgets) client.ask({ q: "forgetRun", run: run.run as RunId });
    });
  });
}

interface Attached {
  readonly owner: string;
  readonly run: RunId;
  /** How much of it is fetched, and how much let go of soon. */
  readonly share: number;
}

function page(client: ClientProcess, attached: Attached, after: number, done: () => void): void {
  const as = Array.from({ length: PAGE }, () => client.reserve());
  client.ask({ q: "attachTasks", run: attached.run, after, as }, ({ value, error }) => {
    const tasks = error === null ? (value as AttachedTasks).tasks : [];
    let last = after;
    for (const [i, n] of as.entries()) {
      const task = tasks[i];
      if (task === undefined) {
        client.waive(n);
        continue;
      }
      if (task.n <= last) throw new Error(`${client.name} was told of task ${task.n} after ${last}`);
      last = task.n;
      redeem(client, attached, n, task.n);
    }
    if (tasks.length === PAGE) page(client, attached, last, done);
    else done();
  });
}

function redeem(client: ClientProcess, { owner, share }: Attached, n: TaskNumber, of: number): void {
  const spec = client.around.clientNamed(owner)?.futures.get(of)?.plan.spec;
  if (spec === undefined) throw new Error(`${client.name} attached to task ${of}, which ${owner} did not submit`);
  refer(client, n, spec, (n % 10) / 10 < share).attached = true;
}

/** Nobody but its owner stops what runs for ever. */
export function refer(client: ClientProcess, n: TaskNumber, spec: TaskSpec, fetch: boolean): ModelFuture {
  const releaseAfterUs = mayHang(spec) ? 0 : n % 3 === 0 ? 20_000 : null;
  return client.redeem(n, { spec, fetch: fetch && !makesActor(spec), releaseAfterUs, cancelAfterUs: null });
}

export function openRun(client: ClientProcess, { run, keepMs }: PlannedBurst): void {
  client.say({ t: "openRun", run: run as RunNumber, name: `run ${run}`, weight: run, steps: 0, keepMs });
}

/** Also of the session's own run, which has no details. */
export function tellDetails(client: ClientProcess, { run, tasks }: PlannedBurst): void {
  const text = `tells of ${tasks.length} tasks. `.repeat(tasks.length % 7);
  client.say({ t: "runDetails", run: run as RunNumber, entries: [{ e: "remark", trial: -1, text }] });
}

/** Every client knows that line 7 stands in line 107. */
export function tellPlaces(client: ClientProcess, wanted: readonly CodePlace[]): void {
  const places = wanted.map((of) => ({ of, at: { file: "a.ts", line: of.line + 100, column: 1, name: of.name } }));
  client.ask({ q: "tellPlaces", places });
}
