// Cancels; actors; and what clients share: locks, queues, variables.

import { type Actor, closeActor, type Future, fireAndForget, isFlockError, range } from "taskflock";
import { type Desk, MANY_FAILURES, Wrong } from "../desk.ts";
import { alone, endless, Ledger, scale, slowly, table, waiting } from "./tasks.ts";

const options = { allowedFailures: MANY_FAILURES };

/** Code that runs, or has not begun, is ended; its neighbours are right. */
export async function cancels(desk: Desk): Promise<void> {
  const cancelGraceMs = desk.random.pick([0, 0, 50]);
  const isolation = desk.random.chance(0.1) ? "process" : "thread";
  const ending = Array.from({ length: desk.random.between(1, 2) }, () =>
    desk.client.submit(desk.random.chance(0.5) ? endless : waiting, [], { ...options, cancelGraceMs, isolation }),
  );
  const neighbours = [...range(6)].map((n) => desk.client.submit(slowly, [desk.random.between(0, 50), n], options));
  const after = desk.client.submit(scale, [ending[0]!], options);
  desk.ownAll<Future<unknown>>([...ending, ...neighbours, after]);
  await new Promise((resolve) => setTimeout(resolve, desk.random.between(0, 400)));
  await desk.client.cancel(ending, "by plan");
  for (const future of ending) await desk.fails(future, "FLOCK_CANCELLED", "cancelled");
  await desk.fails(after, "FLOCK_DEPENDENCY_FAILED");
  for (const [n, future] of neighbours.entries()) await desk.gives(future, n);
}

const LOCK = "soak/clients";

/** Nobody else writes while this client holds the lock. */
export async function lock(desk: Desk): Promise<void> {
  await desk.client.lock(LOCK).withLock(async () => {
    const holder = desk.client.variable<string>(LOCK);
    for (const round of range(3)) {
      await holder.set(`${desk.name}/${round}`);
      desk.same(await holder.get(), `${desk.name}/${round}`, `what was set under the lock ${LOCK}`);
    }
  });
}

/** No more than two of all clients are in there. */
export async function semaphore(desk: Desk): Promise<void> {
  const lease = await desk.client.semaphore("soak/places", { leases: 2 }).acquire();
  await new Promise((resolve) => setTimeout(resolve, desk.random.between(0, 20)));
  if (!lease.held) throw new Wrong("a lease was lost while its client was there");
  await lease.release();
}

/** A command, and one that is cancelled while it runs. */
export async function commands(desk: Desk): Promise<void> {
  const good = desk.own(
    desk.client.exec(["sh", "-c", "cat in.txt; exit 0"], { ...options, files: { "in.txt": desk.name } }),
  );
  const bad = desk.own(desk.client.exec(["sh", "-c", "exit 3"], options));
  const long = desk.own(desk.client.exec(["sleep", "600"], { ...options, cancelGraceMs: 0 }));
  const error = await good.error();
  if (error !== null) throw new Wrong(`${good.key} ended with ${error.message}`);
  desk.same((await good.result()).stdout, desk.name, good.key);
  desk.count("right");
  await desk.fails(bad, "FLOCK_COMMAND_FAILED");
  await long.cancel("by plan");
  await desk.fails(long, "FLOCK_CANCELLED", "cancelled");
}

const TASK_LOCK = "soak/tasks";

export async function tasksWithLocks(desk: Desk): Promise<void> {
  const futures = [...range(4)].map((n) => desk.own(desk.client.submit(alone, [TASK_LOCK, TASK_LOCK, n], options)));
  for (const [n, future] of futures.entries()) await desk.gives(future, n);
}

/** First in, first out: values, and a future that is released by who put it. */
export async function queue(desk: Desk): Promise<void> {
  await desk.with("queue", async (name) => {
    const shared = desk.client.queue<number | Future<Float64Array>>(name);
    const values = [...range(desk.random.between(1, 20))];
    for (const value of values) await shared.put(value);
    const made = desk.own(desk.client.submit(table, [20_000, 5], options));
    await shared.put(made);
    made.release();
    const got: unknown[] = [];
    for (const _ of values) got.push(await shared.get());
    desk.same(got, values, `what was put into ${name}`);
    const taken = desk.own((await shared.get()) as Future<Float64Array>);
    await desk.gives(taken, table(20_000, 5));
    desk.same(await shared.size(), 0, `the size of ${name}`);
    await shared.delete();
  });
}

/** Nobody waits for it, and it is done. */
export async function forgotten(desk: Desk): Promise<void> {
  await desk.with("variable", async (name) => {
    const effect = async (variable: string, value: number): Promise<void> => {
      const { taskClient } = await import("taskflock");
      await (await taskClient()).variable<number>(variable).set(value);
    };
    const future = desk.own(desk.client.submit(effect, [name, 7], options));
    await fireAndForget(future);
    future.release();
    const variable = desk.client.variable<number>(name);
    desk.same(await variable.get(), 7, `what the task wrote to ${name}`);
    desk.count("right");
    await variable.delete();
  });
}

/** Calls are made in order, each once; after the loss of the actor none has a result. */
export async function actor(desk: Desk): Promise<void> {
  const start = desk.random.between(0, 100);
  let ledger: Actor<Ledger>;
  try {
    ledger = await desk.client.actor(Ledger, [start]);
  } catch (error) {
    if (!isFlockError(error, "FLOCK_ACTOR_LOST")) throw error;
    desk.lost(`an actor: ${error.message}`, "actorLost");
    return;
  }
  const entries = [...range(1, desk.random.between(5, 40))];
  const calls = entries.map((entry) => desk.own(ledger.add(entry)));
  const large = desk.own(ledger.large(5_000));
  const sum = await judgeCalls(desk, calls, entries, start);
  if (sum !== null) {
    const error = await large.error();
    if (error === null) await givesFromActor(desk, large, new Float64Array(5_000).fill(sum));
    else lostOnly(desk, large, error);
  }
  closeActor(ledger);
}

/** The sum after all calls, or null when the actor was lost. */
async function judgeCalls(
  desk: Desk,
  calls: readonly Future<{ readonly entries: number; readonly sum: number }>[],
  entries: readonly number[],
  start: number,
): Promise<number | null> {
  let sum = start;
  let lostAt: string | null = null;
  for (const [index, entry] of entries.entries()) {
    const call = calls[index]!;
    sum += entry;
    const error = await call.error();
    if (error !== null) {
      lostAt ??= call.key;
      lostOnly(desk, call, error);
    } else if (lostAt !== null) {
      throw new Wrong(`${call.key} has a result, though the actor was lost for ${lostAt} before it`);
    } else {
      await desk.gives(call, { entries: index + 1, sum });
    }
  }
  return lostAt === null ? sum : null;
}

/** A large result of an actor's call is nowhere else: it may be lost after the call has ended. */
async function givesFromActor(desk: Desk, future: Future<unknown>, expected: unknown): Promise<void> {
  try {
    desk.same(await future.result(), expected, future.key);
    desk.count("right");
  } catch (error) {
    if (!(error instanceof Error) || error instanceof Wrong) throw error;
    lostOnly(desk, future, error);
  }
}

function lostOnly(desk: Desk, future: Future<unknown>, error: Error): void {
  const isLoss = isFlockError(error, "FLOCK_ACTOR_LOST") || isFlockError(error, "FLOCK_DATA_LOST");
  if (!isLoss) throw new Wrong(`${future.key} of an actor ended with ${error.name}: ${error.message}`);
  desk.lost(`${future.key}: ${error.message}`, "actorLost");
}
