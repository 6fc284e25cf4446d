// Calls, chains and graphs.

import { delayed, type Future, range } from "taskflock";
import { type Desk, MANY_FAILURES, Wrong } from "../desk.ts";
import { ELDER } from "../messages.ts";
import { add, broken, busily, endless, scale, slowly, stubborn, total } from "./tasks.ts";

const options = { allowedFailures: MANY_FAILURES };

export async function tinyMap(desk: Desk): Promise<void> {
  const items = [...range(desk.random.skewed(20, 2_000))];
  const futures = desk.ownAll(desk.client.map(scale, items, options));
  desk.same(await desk.client.gather(futures), items.map(scale), "a map");
  for (const future of futures) {
    if (future.status !== "done") throw new Wrong(`${future.key} was gathered, and is ${future.status}`);
    desk.count("right");
  }
}

/** What is in between is released at once: nobody needs it but the next link. */
export async function chain(desk: Desk): Promise<void> {
  const length = desk.random.between(5, 60);
  const isReleased = desk.random.chance(0.5);
  let expected = 1;
  let last: Future<number> = desk.own(desk.client.submit(add, [0, 1], options));
  for (let n = 0; n < length; n++) {
    const next: Future<number> = desk.own(desk.client.submit(add, [last, n], options));
    if (isReleased) {
      last.release();
      desk.count("released");
    }
    last = next;
    expected += n;
  }
  await desk.gives(last, expected);
}

const delayedScale = delayed(scale, { name: "scale" });
const delayedTotal = delayed(total, { name: "total" });

/** Leaves, groups of them with a leaf in common, and one total. */
export async function graph(desk: Desk): Promise<void> {
  const width = desk.random.between(4, 24);
  const groups = desk.random.between(2, 6);
  const common = desk.random.between(0, 1_000);
  const shared = delayedScale(common);
  const offset = desk.random.between(0, 1_000);
  const totals = Array.from({ length: groups }, (_, group) =>
    delayedTotal([shared, ...Array.from({ length: width }, (_, leaf) => delayedScale(offset + group + leaf))]),
  );
  const all = desk.own(desk.client.compute(delayedTotal(totals), options));
  const one = desk.own(desk.client.compute(totals[0]!, options));
  const expected = Array.from({ length: groups }, (_, group) =>
    total([scale(common), ...Array.from({ length: width }, (_, leaf) => scale(offset + group + leaf))]),
  );
  await desk.gives(all, total(expected));
  await desk.gives(one, expected[0]);
}

export async function retries(desk: Desk): Promise<void> {
  const throwing = desk.random.between(1, 3);
  const backoffMs = desk.random.pick([0, 5, 50]);
  const value = desk.random.between(0, 1e6);
  const good = desk.client.submit(stubborn, [throwing, value], { ...options, retries: throwing, backoffMs });
  const bad = desk.client.submit(broken, [value], { ...options, retries: 1 });
  const after = desk.client.submit(add, [bad, 1], options);
  desk.ownAll<Future<unknown>>([good, bad, after]);
  await desk.gives(good, value);
  await desk.fails(bad, "RangeError");
  await desk.fails(after, "FLOCK_DEPENDENCY_FAILED");
}

export async function processes(desk: Desk): Promise<void> {
  const values = [...range(desk.random.between(1, 3))];
  const futures = desk.ownAll(desk.client.map(scale, values, { ...options, isolation: "process" }));
  for (const [index, value] of values.entries()) await desk.gives(futures[index]!, scale(value));
}

/** Tasks that take a while, so that workers are lost in the midst of them. */
export async function longer(desk: Desk): Promise<void> {
  const futures = Array.from({ length: desk.random.between(4, 16) }, (_, n) => {
    const ms = desk.random.skewed(5, 400);
    const isIdle = desk.random.chance(0.7);
    return desk.own(
      isIdle ? desk.client.submit(slowly, [ms, n], options) : desk.client.submit(busily, [ms, n], options),
    );
  });
  for (const [n, future] of futures.entries()) await desk.gives(future, n);
}

/** Futures that are released while their tasks wait, run, or have ended; what depends on them is right. */
export async function releases(desk: Desk): Promise<void> {
  const kept: { readonly future: Future<number>; readonly expected: number }[] = [];
  for (let n = 0; n < desk.random.between(10, 40); n++) {
    const first = desk.own(desk.client.submit(slowly, [desk.random.between(0, 20), n], options));
    if (desk.random.chance(0.5)) {
      kept.push({ future: desk.own(desk.client.submit(add, [first, 1_000], options)), expected: n + 1_000 });
    }
    if (desk.random.chance(0.3)) await new Promise((resolve) => setTimeout(resolve, desk.random.between(0, 10)));
    first.release();
    desk.count("released");
  }
  for (const { future, expected } of kept) await desk.gives(future, expected);
}

/** Both clients ask for the same few tasks. */
export async function pure(desk: Desk): Promise<void> {
  const values = Array.from({ length: 10 }, () => desk.random.between(0, 30));
  const futures = desk.ownAll(values.map((value) => desk.client.submit(scale, [value], { ...options, pure: true })));
  for (const [index, value] of values.entries()) await desk.gives(futures[index]!, scale(value));
}

/** Resources, names of workers and priorities say where and when, and nothing else. */
export async function placed(desk: Desk): Promise<void> {
  const futures = [...range(8)].map((n) => {
    const priority = desk.random.between(-5, 5);
    const where = desk.random.pick([
      { resources: { licence: 1 } },
      { resources: { licence: 0.5 } },
      { workers: [ELDER] },
      { workers: ["nobody"], allowOtherWorkers: true },
    ]);
    return desk.own(desk.client.submit(slowly, [desk.random.between(0, 30), n], { ...options, ...where, priority }));
  });
  for (const [n, future] of futures.entries()) await desk.gives(future, n);
}

/** Time that is over ends code that runs, and what waits. */
export async function limits(desk: Desk): Promise<void> {
  const long = desk.client.submit(endless, [], { ...options, timeoutMs: 200, cancelGraceMs: 0 });
  const late = desk.client.submit(endless, [], { ...options, deadlineMs: 300, cancelGraceMs: 0 });
  const homeless = desk.client.submit(scale, [1], { ...options, workers: ["nobody"], noWorkerTimeoutMs: 100 });
  const good = desk.client.submit(scale, [7], { ...options, timeoutMs: 600_000, deadlineMs: 600_000 });
  desk.ownAll<Future<unknown>>([long, late, homeless, good]);
  await desk.fails(long, "FLOCK_TIMEOUT");
  await desk.fails(late, "FLOCK_DEADLINE_EXCEEDED");
  await desk.fails(homeless, "FLOCK_NO_WORKER_TIMEOUT");
  await desk.gives(good, scale(7));
}

/** One takes much longer than the others: it may be begun twice, and ends once. */
export async function stragglers(desk: Desk): Promise<void> {
  const times = [1, 1, 1, 1, 1, 1, 1, 1_800];
  const futures = desk.ownAll(
    times.map((ms, n) => desk.client.submit(slowly, [ms, n], { ...options, speculate: true })),
  );
  for (const [n, future] of futures.entries()) await desk.gives(future, n);
}
