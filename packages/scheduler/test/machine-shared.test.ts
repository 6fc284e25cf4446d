import type { PayloadRef, SharedInfo, SharedKind } from "@taskflock/protocol/words";
import { describe, expect, test } from "vitest";
import { SharedStage } from "./shared-stage.ts";

function staged(clients: number, config: ConstructorParameters<typeof SharedStage>[0] = {}): SharedStage {
  const stage = new SharedStage(config);
  for (let id = 1; id <= clients; id++) stage.client(id);
  return stage;
}

function info(stage: SharedStage, kind: SharedKind, name: string, id = 1): SharedInfo {
  stage.listen(id);
  stage.ask(id, { q: "sharedInfo", kind, name });
  const [answer] = stage.told(id);
  if (answer?.t !== "answer") throw new Error("no answer");
  return answer.value as SharedInfo;
}

describe("queue", () => {
  test("elements leave in the order in which they came, each to one client, and those who wait are served in their order", () => {
    const stage = staged(3);
    const [first, second] = [stage.get(2, "q"), stage.get(3, "q")];
    for (const value of ["a", "b", "c"]) stage.put(1, "q", value);
    expect([stage.answer(2, first), stage.answer(3, second)]).toEqual(["a", "b"]);
    expect(stage.answer(2, stage.get(2, "q"))).toBe("c");
    expect(stage.answer(2, stage.get(2, "q"))).toBe("waits");
  });

  test("a full queue keeps those who put waiting, in their order", () => {
    const stage = staged(2);
    stage.put(1, "q", "a", 1);
    const [b, c] = [stage.put(1, "q", "b", 1), stage.put(1, "q", "c", 1)];
    expect([stage.answer(1, b), stage.answer(1, c)]).toEqual(["waits", "waits"]);
    expect(stage.answer(2, stage.get(2, "q"))).toBe("a");
    expect([stage.answer(1, b), stage.answer(1, c)]).toEqual(["yes", "waits"]);
    expect(stage.answer(2, stage.get(2, "q"))).toBe("b");
    expect(stage.answer(2, stage.get(2, "q"))).toBe("c");
  });

  test("another maxSize is a conflict while the queue is in use; then it is as good as new", () => {
    const stage = staged(1);
    stage.put(1, "q", "a", 1);
    expect(stage.answer(1, stage.put(1, "q", "b", 2))).toBe("FLOCK_SHARED_CONFLICT");
    stage.get(1, "q");
    expect(stage.answer(1, stage.put(1, "q", "b", 2))).toBe("yes");
  });

  test("what waits too long is told so; what it was to put is freed", () => {
    const stage = staged(1);
    const get = stage.get(1, "q", 5);
    stage.pass(4999);
    expect(stage.answer(1, get)).toBe("waits");
    stage.pass(1);
    expect(stage.answer(1, get)).toBe("FLOCK_WAIT_TIMEOUT");
    stage.put(1, "q", "a", 1);
    const put = stage.put(1, "q", "b", 1, 5);
    stage.pass(5000);
    expect(stage.answer(1, put)).toBe("FLOCK_WAIT_TIMEOUT");
    expect(stage.answer(1, stage.get(1, "q", 0))).toBe("a");
    expect(stage.answer(1, stage.get(1, "q", 0))).toBe("FLOCK_WAIT_TIMEOUT");
    expect(stage.leftOver()).toEqual([]);
  });

  test("an answer that went into a cut link is said again, and not taken twice", () => {
    const stage = staged(2);
    stage.put(1, "q", "a");
    stage.put(1, "q", "b");
    const get = stage.get(2, "q");
    stage.told(2); // on its way when the link was cut
    stage.cutClient(2);
    stage.resume(2, [get]);
    expect(stage.answer(2, get)).toBe("a");
    stage.hear(2, get);
    expect(stage.answer(1, stage.get(1, "q"))).toBe("b");
    expect(stage.answer(1, stage.get(1, "q", 0))).toBe("FLOCK_WAIT_TIMEOUT");
  });

  test("what a client was given that could not be told before it was gone goes back to the front", () => {
    const stage = staged(2);
    const [first, second] = [stage.get(2, "q"), stage.get(2, "q")];
    stage.cutClient(2);
    for (const value of ["a", "b", "c"]) stage.put(1, "q", value);
    stage.die(2);
    const taken = ["a", "b", "c"].map(() => stage.answer(1, stage.get(1, "q", 0)));
    expect(taken).toEqual(["a", "b", "c"]);
    expect([stage.answer(2, first), stage.answer(2, second)]).toEqual(["waits", "waits"]);
  });

  test("who waits and is gone neither takes nor puts", () => {
    const stage = staged(2);
    stage.get(2, "q");
    stage.die(2);
    stage.put(1, "q", "a", 1);
    stage.client(3);
    stage.put(3, "q", "b", 1);
    stage.die(3);
    expect(stage.answer(1, stage.get(1, "q", 0))).toBe("a");
    expect(stage.answer(1, stage.get(1, "q", 0))).toBe("FLOCK_WAIT_TIMEOUT");
    expect(stage.leftOver()).toEqual([]);
  });

  test("a client that does not read gets its element when it reads", () => {
    const stage = staged(2);
    const get = stage.get(2, "q");
    stage.block(2);
    stage.put(1, "q", "a");
    expect(stage.answer(2, get)).toBe("waits");
    stage.unblock(2);
    expect(stage.answer(2, get)).toBe("a");
  });

  test("values are limited: one, and all of them together", () => {
    const stage = staged(1, { sharedBudgetBytes: 600 });
    const data = stage.payload();
    const large = stage.ask(1, {
      q: "queuePut",
      name: "q",
      maxSize: null,
      n: 0,
      data,
      dataBytes: 64 * 1024 + 1,
      timeoutMs: null,
    });
    expect(stage.answer(1, large)).toBe("FLOCK_TOO_LARGE");
    const puts = ["a", "b", "c"].map((value) => stage.put(1, "q", value));
    expect(puts.map((put) => stage.answer(1, put))).toEqual(["yes", "yes", "FLOCK_SHARED_FULL"]);
    const empty = stage.ask(1, {
      q: "variableSet",
      name: "v",
      n: 0,
      data: 0 as PayloadRef,
      dataBytes: 0,
    });
    expect(stage.answer(1, empty)).toBe("FLOCK_PROTOCOL");
  });

  test("delete() drops what is in it and tells those who wait", () => {
    const stage = staged(2);
    stage.put(1, "q", "a", 1);
    const put = stage.put(2, "q", "b", 1);
    stage.ask(1, { q: "sharedDelete", kind: "queue", name: "q" });
    expect(stage.answer(2, put)).toBe("FLOCK_SHARED_DELETED");
    expect(info(stage, "queue", "q")).toEqual({ size: 0, waiting: 0, holders: [] });
    expect(stage.leftOver()).toEqual([]);
  });
});

describe("futures", () => {
  test("one in a queue keeps its result until it is taken, also when its client is gone", () => {
    const stage = staged(2);
    stage.worker(1);
    stage.submit(1, 1);
    stage.putFuture(1, "q", 1);
    stage.release(1, 1);
    stage.die(1);
    stage.store(1, stage.assigned(1)[0]!);
    const get = stage.get(2, "q", null, 7);
    expect(stage.outcomes(2)).toEqual(["done 7"]);
    stage.hear(2, get);
    stage.release(2, 7);
    expect(stage.take(1, "drop")).toHaveLength(1);
    expect(stage.leftOver()).toEqual([]);
  });

  test("a variable's future is let go when it is overwritten, and each reader has one of its own", () => {
    const stage = staged(2);
    stage.worker(1);
    stage.submit(1, 1);
    stage.store(1, stage.assigned(1)[0]!);
    const future = { data: 0 as PayloadRef, dataBytes: 0 };
    stage.ask(1, { q: "variableSet", name: "v", n: 1, ...future });
    stage.release(1, 1);
    stage.told(2);
    const get = stage.ask(2, { q: "variableGet", name: "v", as: 5 as never, timeoutMs: null });
    expect(stage.outcomes(2)).toEqual(["done 5"]);
    stage.ask(1, { q: "variableSet", name: "v", n: 0, data: stage.payload(), dataBytes: 3 });
    stage.hear(2, get);
    expect(stage.take(1, "drop")).toHaveLength(0);
    stage.release(2, 5);
    expect(stage.take(1, "drop")).toHaveLength(1);
    stage.ask(1, { q: "sharedDelete", kind: "variable", name: "v" });
    expect(stage.leftOver()).toEqual([]);
  });

  test("a number that the session does not know is refused", () => {
    const stage = staged(1);
    expect(stage.answer(1, stage.putFuture(1, "q", 9))).toBe("FLOCK_TASK_UNKNOWN");
  });

  test("data that is on its way when its client goes is lost, and whoever takes it is told", () => {
    const stage = staged(2);
    stage.scatter(1, 1, 1_000_000);
    stage.putFuture(1, "q", 1);
    stage.die(1);
    stage.get(2, "q", null, 7);
    expect(stage.outcomes(2)).toEqual(["failed 7 FLOCK_DATA_LOST"]);
  });
});

describe("lock and semaphore", () => {
  test("one at a time, first come first served", () => {
    const stage = staged(3);
    const leases = [stage.lock(1, "l"), stage.lock(2, "l"), stage.lock(3, "l")];
    const state = (): string[] => leases.map((lease, index) => stage.answer(index + 1, lease));
    expect(state()).toEqual(["yes", "waits", "waits"]);
    stage.unlock(1, "l", leases[0]!);
    expect(state()).toEqual(["yes", "yes", "waits"]);
    expect(info(stage, "lock", "l")).toEqual({ size: 1, waiting: 1, holders: ["client-2"] });
    stage.unlock(1, "l", leases[0]!); // once more: nothing
    expect(state()).toEqual(["yes", "yes", "waits"]);
  });

  test("what a client held is free when it is gone, not when its link is cut; the event log says so", () => {
    const stage = staged(2);
    stage.lock(1, "l");
    const lease = stage.lock(2, "l");
    stage.cutClient(1);
    expect(stage.answer(2, lease)).toBe("waits");
    stage.die(1);
    expect(stage.answer(2, lease)).toBe("yes");
  });

  test("who waits keeps its place while its link is cut", () => {
    const stage = staged(3);
    const held = stage.lock(1, "l");
    const [second, third] = [stage.lock(2, "l"), stage.lock(3, "l")];
    stage.cutClient(2);
    stage.unlock(1, "l", held);
    expect(stage.answer(3, third)).toBe("waits");
    stage.resume(2, [second]);
    expect(stage.answer(2, second)).toBe("yes");
  });

  test("a wait is given up, or is over after its time; a lease that was given stays", () => {
    const stage = staged(2);
    const held = stage.lock(1, "l");
    const [patient, hasty] = [stage.lock(2, "l"), stage.lock(2, "l", 3)];
    stage.ask(2, { q: "giveUp", of: patient });
    stage.pass(3000);
    expect([stage.answer(2, patient), stage.answer(2, hasty)]).toEqual(["FLOCK_CANCELLED", "FLOCK_WAIT_TIMEOUT"]);
    stage.ask(1, { q: "giveUp", of: held });
    expect(stage.answer(2, stage.lock(2, "l", 0))).toBe("FLOCK_WAIT_TIMEOUT");
  });

  test("a lock that is asked for with more leases than one is refused, and not kept", () => {
    const stage = staged(1);
    const asked = stage.ask(1, { q: "acquire", kind: "lock", name: "l", leases: 2, timeoutMs: null });
    expect(stage.answer(1, asked)).toBe("FLOCK_SHARED_CONFLICT");
  });

  test("a semaphore has so many leases; another number is a conflict while it is in use", () => {
    const stage = staged(1);
    const acquire = (leases: number): number =>
      stage.ask(1, { q: "acquire", kind: "semaphore", name: "s", leases, timeoutMs: null });
    const asked = [acquire(2), acquire(2), acquire(2), acquire(3)];
    const words = asked.map((lease) => stage.answer(1, lease));
    expect(words).toEqual(["yes", "yes", "waits", "FLOCK_SHARED_CONFLICT"]);
  });

  test("a thousand waits that end early leave the alarms of a few", () => {
    const stage = staged(2);
    stage.check = "touched";
    for (let round = 0; round < 1000; round++) {
      const held = stage.lock(1, "l");
      const next = stage.lock(2, "l", 3_600_000);
      stage.unlock(1, "l", held);
      stage.unlock(2, "l", next);
      stage.hear(1, held, held + 2);
      stage.hear(2, next, next + 2);
    }
    stage.machine.checkInvariants("all");
    const woken = stage.events.length;
    stage.pass(3_700_000_000);
    expect(stage.events.length - woken).toBeLessThan(10);
    expect(stage.leftOver()).toEqual([]);
  });
});

describe("event", () => {
  test("all who wait are told when it is set; it stays set until it is cleared", () => {
    const stage = staged(3);
    const wait = (id: number, timeoutMs: number | null = null): number =>
      stage.ask(id, { q: "eventWait", name: "e", timeoutMs });
    const [one, two] = [wait(2), wait(3)];
    stage.ask(1, { q: "eventSet", name: "e", isSet: true });
    expect([stage.answer(2, one), stage.answer(3, two), stage.answer(2, wait(2))]).toEqual(["yes", "yes", "yes"]);
    stage.die(1);
    expect(info(stage, "event", "e", 2).size).toBe(1);
    stage.ask(2, { q: "eventSet", name: "e", isSet: false });
    const late = wait(3, 2);
    stage.pass(2000);
    expect(stage.answer(3, late)).toBe("FLOCK_WAIT_TIMEOUT");
  });

  test("so many are set as there is room for", () => {
    const stage = staged(1, { sharedBudgetBytes: 600 });
    const set = (name: string, isSet: boolean): string => stage.answer(1, stage.ask(1, { q: "eventSet", name, isSet }));
    expect([set("a", true), set("b", true), set("b", true)]).toEqual(["yes", "yes", "yes"]);
    expect(set("c", true)).toBe("FLOCK_SHARED_FULL");
    expect([set("a", false), set("c", true)]).toEqual(["yes", "yes"]);
    stage.ask(1, { q: "sharedDelete", kind: "event", name: "b" });
    expect(set("d", true)).toBe("yes");
    expect(info(stage, "event", "c").size).toBe(1);
  });
});

test("payloads from nobody are freed", () => {
  const stage = staged(1);
  stage.put(99, "q", "a");
  expect(stage.leftOver()).toEqual([]);
});

test("the number of a question that is open serves no other one", () => {
  const stage = staged(2);
  const lease = stage.lock(1, "l");
  expect(stage.answer(1, lease)).toBe("yes");
  const waiting = stage.get(1, "q");
  for (const id of [lease, waiting]) {
    const question = { q: "queuePut", name: "p", maxSize: null, n: 0, data: stage.payload(), dataBytes: 1 } as const;
    stage.say(1, { t: "ask", id, question: { ...question, timeoutMs: null } });
    stage.say(1, { t: "ask", id, question: { q: "acquire", kind: "lock", name: "other", leases: 1, timeoutMs: null } });
  }
  expect(info(stage, "queue", "p").size).toBe(0);
  expect(info(stage, "lock", "other").size).toBe(0);
  const next = stage.lock(2, "l");
  stage.die(1);
  expect(stage.answer(2, next)).toBe("yes");
  expect(stage.leftOver()).toEqual([]);
});
