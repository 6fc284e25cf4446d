import type { Assign, Attempt, FunctionId, StopTask, TaskId } from "@taskflock/protocol/words";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { from, holder, MachineBench, send } from "./machine-bench.ts";

const stop = (task: number, why: StopTask["why"] = "cancelled"): StopTask => ({
  t: "stop",
  task: task as TaskId,
  attempt: 1 as Attempt,
  why,
});
const tiny: Partial<Assign> = { expectedUs: 10 };

describe("batches", () => {
  let bench: MachineBench;
  const runs = (): string[] => bench.take().filter((c) => c.startsWith("run"));
  const assignMany = (count: number, more: Partial<Assign>): void =>
    bench.say(...Array.from({ length: count }, (_, i) => bench.assign(i + 1, more)));
  /** Lets all that is here end well. */
  const finishAll = (): void => {
    for (const [slot, state] of bench.slots.entries()) while (state.items.length > 0) bench.finish(slot, 1);
    if (bench.slots.some((s) => s.items.length > 0)) finishAll();
  };
  afterEach(() => {
    finishAll();
    expect(bench.leftOver()).toEqual([]);
  });

  test("tiny tasks are spread over the free slots", () => {
    bench = new MachineBench({ slots: 2 });
    assignMany(5, tiny);
    expect(runs()).toEqual(["run 0: 1 2 3", "run 1: 4 5"]);
  });

  test("a batch is bounded by number and by expected time", () => {
    bench = new MachineBench({ maxBatch: 3 });
    assignMany(5, tiny);
    expect(runs()).toEqual(["run 0: 1 2 3"]);
    finishAll();
    bench.take();
    bench = new MachineBench({ maxBatchUs: 100 });
    assignMany(5, { expectedUs: 40 });
    expect(runs()).toEqual(["run 0: 1 2"]);
  });

  test.each<[string, Partial<Assign>]>([
    ["unknown duration", {}],
    ["long", { expectedUs: 4000 }],
    ["with a time-out", { expectedUs: 10, timeoutMs: 5 }],
    ["in a process", { expectedUs: 10, isolation: "process" }],
    ["solo", { expectedUs: 10, solo: true }],
  ])("a task runs alone: %s", (_, more) => {
    bench = new MachineBench();
    assignMany(3, more);
    expect(runs()).toEqual(["run 0: 1"]);
  });

  test("one that runs alone ends the batch before it", () => {
    bench = new MachineBench();
    bench.say(bench.assign(1, tiny), bench.assign(2, tiny), bench.assign(3), bench.assign(4, tiny));
    expect(runs()).toEqual(["run 0: 1 2"]);
  });

  test("a slot that runs brief tasks gets the next ones meanwhile, and no more", () => {
    bench = new MachineBench();
    assignMany(4, { expectedUs: 10_000 });
    expect(bench.take().slice(1)).toEqual(["run 0: 1", "> started 1.1", "then 0: 2"]);
    bench.finish(0, 1);
    expect(bench.take()).toEqual(["> finished 1.1 inline", "then 0: 3"]);
    bench.event({ e: "itemStarted", slot: 0, task: 2 as TaskId, attempt: 1 as Attempt });
    expect(bench.takeSent()).toEqual(["started 2.1"]);
  });

  test.each<[string, Partial<Assign>, Partial<Assign>]>([
    ["behind one of unknown duration", {}, tiny],
    ["behind a long one", { expectedUs: 30_000 }, tiny],
    ["a long one", tiny, { expectedUs: 30_000 }],
    ["one of unknown duration", tiny, {}],
    ["one with a time-out", tiny, { expectedUs: 10, timeoutMs: 5 }],
    ["one that is under suspicion", tiny, { expectedUs: 10, solo: true }],
    ["one for a process", tiny, { expectedUs: 10, isolation: "process" }],
  ])("nothing waits in a slot: %s", (_, first, second) => {
    bench = new MachineBench({ maxBatch: 1 });
    bench.say(bench.assign(1, first), bench.assign(2, second));
    expect(runs()).toEqual(["run 0: 1"]);
  });

  test("free slots come first, and a stop of what waits in a slot is waited for", () => {
    bench = new MachineBench({ slots: 2, maxBatch: 1 });
    assignMany(4, tiny);
    expect(bench.take().filter((c) => /^(run|then)/.test(c))).toEqual([
      "run 0: 1",
      "run 1: 2",
      "then 0: 3",
      "then 1: 4",
    ]);
    bench.say(stop(3));
    expect(bench.take()).toEqual(["abort 0: 3 cancelled"]);
    bench.finish(0, 1);
    expect(bench.alarm).not.toBe(null); // its turn has come: its grace runs
    bench.fail(0);
    expect(bench.takeSent()).toEqual(["finished 1.1 inline", "stopped 3.1 cancelled"]);
  });

  test("what waits behind a task that takes its slot along is queued again", () => {
    bench = new MachineBench();
    assignMany(2, { expectedUs: 10_000 });
    bench.take();
    bench.fail(0);
    bench.slots[0]!.items = []; // the other one did not begin
    bench.replace(0);
    expect(bench.take().at(-1)).toBe("> started 2.1");
  });

  test("that a tiny task began is not told, unless somebody sees it run", () => {
    bench = new MachineBench();
    bench.take();
    bench.say(bench.assign(1, tiny));
    expect(bench.take()).toEqual(["run 0: 1"]);
    bench.event({ e: "itemStarted", slot: 0, task: 1 as TaskId, attempt: 1 as Attempt });
    bench.event({ e: "itemStarted", slot: 0, task: 1 as TaskId, attempt: 1 as Attempt });
    expect(bench.takeSent()).toEqual(["started 1.1"]);
    bench.finish(0, 1);
    expect(bench.takeSent()).toEqual(["finished 1.1 inline"]);
  });

  test("an item that began in the middle of a batch is said to run", () => {
    bench = new MachineBench();
    assignMany(3, tiny);
    bench.finish(0, 1);
    bench.take();
    bench.event({ e: "itemStarted", slot: 0, task: 2 as TaskId, attempt: 1 as Attempt });
    expect(bench.takeSent()).toEqual(["started 2.1"]);
  });

  test("what a slot had not begun when it died goes to the queue again", () => {
    bench = new MachineBench();
    assignMany(3, tiny);
    bench.take();
    bench.fail(0); // the one that ran
    bench.replace(0);
    expect(bench.take()).toEqual(["> errored 1.1 null", "> errored 2.1 FLOCK_CANCELLED", "run 0: 3"]);
  });

  test("one that is told to stop before it began ends its slot only once it runs", () => {
    bench = new MachineBench();
    assignMany(3, tiny);
    bench.say(stop(2));
    expect(bench.take().slice(-1)).toEqual(["abort 0: 2 cancelled"]);
    expect(bench.alarm).toBe(null);
    bench.now = 7;
    bench.finish(0, 1);
    expect(bench.alarm).toBe(1_000_007);
    bench.event({ e: "itemStarted", slot: 0, task: 2 as TaskId, attempt: 1 as Attempt });
    expect(bench.alarm).toBe(1_000_007);
    bench.fail(0);
    expect(bench.takeSent()).toEqual(["finished 1.1 inline", "stopped 2.1 cancelled"]);
  });

  test("an innocent item that a slot's end hit runs again", () => {
    bench = new MachineBench();
    assignMany(3, { expectedUs: 10, cancelGraceMs: 0 });
    bench.say(stop(1));
    bench.event({ e: "woken" });
    expect(bench.take().slice(-1)).toEqual(["end 0: cancelled"]);
    bench.finish(0, 5000); // it ended by itself while its slot was told to end, and the next one was hit
    bench.replace(0);
    expect(bench.take()).toEqual(["drop 1", "> stopped 1.1 cancelled", "run 0: 2 3"]);
  });
});

describe("stopping", () => {
  let bench: MachineBench;
  beforeEach(() => {
    bench = new MachineBench();
    bench.take();
  });
  afterEach(() => expect(bench.leftOver()).toEqual([]));

  test("queued tasks at once, running ones after their grace", () => {
    bench.say(bench.assign(1), bench.assign(2));
    bench.take();
    bench.say(stop(2), stop(1), stop(1));
    expect(bench.take()).toEqual(["> stopped 2.1 cancelled", "abort 0: 1 cancelled"]);
    expect(bench.alarm).toBe(1_000_000);
    bench.now = 1_000_000;
    bench.event({ e: "woken" });
    bench.replace(0);
    expect(bench.take()).toEqual(["end 0: cancelled", "> stopped 1.1 cancelled"]);
  });

  test("code that never asked for its signal after a short while, unless its grace is shorter", () => {
    bench.say(bench.assign(1));
    bench.say(stop(1));
    bench.event({ e: "itemDeaf", slot: 0, task: 2 as never });
    expect(bench.alarm).toBe(1_000_000);
    bench.event({ e: "itemDeaf", slot: 0, task: 1 as never });
    expect(bench.alarm).toBe(50_000);
    bench.now = 50_000;
    bench.event({ e: "woken" });
    bench.event({ e: "itemDeaf", slot: 0, task: 1 as never });
    bench.replace(0);
    expect(bench.take().slice(-3)).toEqual(["abort 0: 1 cancelled", "end 0: cancelled", "> stopped 1.1 cancelled"]);
    bench.say(bench.assign(3, { cancelGraceMs: 5 }));
    bench.say(stop(3));
    bench.event({ e: "itemDeaf", slot: 0, task: 3 as never });
    expect(bench.alarm).toBe(55_000);
    bench.finish(0, 1);
    bench.take();
  });

  test("an outcome after the stop is not told, and its bytes are dropped", () => {
    bench.say(bench.assign(1));
    bench.say(stop(1));
    bench.take();
    bench.finish(0, 5000);
    expect(bench.take()).toEqual(["drop 1", "> stopped 1.1 cancelled"]);
  });

  test("a running task is not stolen", () => {
    bench.say(bench.assign(1), bench.assign(2));
    bench.take();
    bench.say(stop(1, "stolen"), stop(2, "stolen"));
    expect(bench.takeSent()).toEqual(["stopped 2.1 stolen"]);
    bench.finish(0, 1);
    expect(bench.takeSent()).toEqual(["finished 1.1 inline"]);
  });

  test("a time-out aborts, then ends the slot, and fails the attempt", () => {
    bench.say(bench.assign(1, { timeoutMs: 10, cancelGraceMs: 5 }), bench.assign(2, { inputs: [from(1)] }));
    bench.take();
    bench.now = 10_000;
    bench.event({ e: "woken" });
    expect(bench.take()).toEqual(["abort 0: 1 timeout", "> stopped 2.1 predecessor"]);
    bench.now = 15_000;
    bench.event({ e: "woken" });
    bench.replace(0);
    expect(bench.take()).toEqual(["end 0: timeout", "> errored 1.1 FLOCK_TIMEOUT"]);
  });

  test("an attempt that answers its time-out with a result or its own error has timed out all the same", () => {
    for (const end of [() => bench.finish(0, 1), () => bench.fail(0)]) {
      bench.say(bench.assign(1, { timeoutMs: 10 }));
      bench.now += 10_000;
      bench.event({ e: "woken" });
      bench.take();
      end();
      expect(bench.takeSent()).toEqual(["errored 1.1 FLOCK_TIMEOUT"]);
    }
  });

  test("a cancel after a time-out wins", () => {
    bench.say(bench.assign(1, { timeoutMs: 10 }));
    bench.now = 10_000;
    bench.event({ e: "woken" });
    bench.say(stop(1));
    bench.take();
    bench.fail(0);
    expect(bench.takeSent()).toEqual(["stopped 1.1 cancelled"]);
  });
});

describe("retiring and the link", () => {
  let bench: MachineBench;
  beforeEach(() => {
    bench = new MachineBench();
    bench.take();
  });
  afterEach(() => expect(bench.leftOver()).toEqual([]));

  test("retiring finishes what runs and gives back the rest", () => {
    bench.event({ e: "retireWanted", reason: "SIGTERM" });
    bench.event({ e: "retireWanted", reason: "again" });
    bench.say(bench.assign(1), bench.assign(2), bench.assign(3, { inputs: [from(1)] }));
    expect(bench.takeSent()).toEqual(["wantsToRetire", "started 1.1"]);
    bench.say({ t: "retire" }, bench.assign(4));
    expect(bench.takeSent()).toEqual(["stopped 2.1 retiring", "stopped 3.1 retiring", "stopped 4.1 retiring"]);
    bench.finish(0, 1);
    expect(bench.takeSent()).toEqual(["finished 1.1 inline"]);
  });

  test("it lets everything go and leaves when told so", () => {
    bench.say(bench.assign(1), bench.assign(2, { inputs: [from(8, 3)] }), send(bench, 1));
    bench.take();
    bench.say({ t: "leave", restart: false }, bench.assign(3), send(bench, 2));
    expect(bench.left).toBe(true);
    bench.replace(0);
    expect(bench.takeSent()).toEqual([]);
  });

  test("a link that is resumed gets a snapshot of all that is here", () => {
    bench.say(send(bench, 1), bench.assign(1));
    bench.finish(0, 5000);
    bench.say(bench.assign(2), bench.assign(3), bench.assign(4, { inputs: [from(8, 3)] }));
    bench.say(stop(2));
    bench.take();
    bench.event({ e: "linkDown" });
    bench.event({ e: "linkUp", fresh: false, inlineLimitBytes: 100, snapshotPending: false });
    expect(bench.takeSent()).toEqual(["snapshot 1v1|2.1*,3.1,4.1|1"]);
    bench.event({ e: "linkDown" });
    bench.event({ e: "linkUp", fresh: false, inlineLimitBytes: 100, snapshotPending: true });
    expect(bench.takeSent()).toEqual([]);
    bench.event({ e: "linkUp", fresh: true, inlineLimitBytes: 100, snapshotPending: false });
    bench.replace(0);
  });

  test("a snapshot of many results goes in parts, so that no frame is too large", () => {
    const many = new MachineBench({ maxSnapshotHolds: 2 });
    many.say(send(many, 1));
    for (let task = 1; task <= 5; task++) {
      many.say(many.assign(task));
      many.finish(0, 5000);
    }
    many.take();
    many.takeSent();
    many.event({ e: "linkDown" });
    many.event({ e: "linkUp", fresh: false, inlineLimitBytes: 100, snapshotPending: false });
    expect(many.takeSent()).toEqual(["part 1v1,2v2", "part 3v3,4v4", "snapshot 5v5||1"]);
    many.event({ e: "linkUp", fresh: true, inlineLimitBytes: 100, snapshotPending: false });
  });

  test("a fresh link: all is dropped, and the snapshot waits until nothing of before runs", () => {
    bench.event({ e: "retireWanted", reason: "SIGTERM" });
    bench.say(send(bench, 1), bench.assign(1));
    bench.finish(0, 5000);
    bench.say(bench.assign(2), bench.assign(3, { inputs: [from(8, 3)] }), { t: "expect", task: 9 as TaskId, bytes: 1 });
    bench.take();
    bench.event({ e: "linkDown" });
    bench.event({ e: "linkUp", fresh: true, inlineLimitBytes: 100, snapshotPending: false });
    expect(bench.take()).toEqual(["abort 0: 2 cancelled", "stopFetch 8", "end 0: cancelled", "drop 1", "drop 9"]);
    bench.event({ e: "linkUp", fresh: false, inlineLimitBytes: 100, snapshotPending: false });
    expect(bench.take()).toEqual([]);
    bench.finish(0, 5000);
    bench.event({ e: "slotReplaced", slot: 0 });
    expect(bench.take()).toEqual(["drop 2", "> snapshot ||", "> wantsToRetire"]);
    bench.event({
      e: "fetchFailed",
      task: 8 as TaskId,
      holder: holder(3),
      full: false,
      why: "gone",
    });
    bench.say({ t: "forgetFunction", fn: 1 as FunctionId });
    expect(bench.take()).toEqual([]);
  });
});
