import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { PageGraph, PageTasks, TaskFilter, TaskId } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { Stage } from "./machine-stage.ts";
import { ALL, answerTo, ask, OBSERVER, observe } from "./page-stage.ts";

function withClient(slots = 1): Stage {
  const stage = new Stage();
  observe(stage);
  stage.client();
  if (slots > 0) stage.worker(1, { slots });
  return stage;
}

function page(stage: Stage, filter: Partial<TaskFilter> = {}, before = 0, limit = 10): PageTasks {
  return ask(stage, { q: "pageTasks", filter: { ...ALL, ...filter }, before, limit });
}

const keysOf = ({ items }: PageTasks): string[] => items.map(({ key }) => key);

function idOf(stage: Stage, key: string): TaskId {
  return page(stage, { text: key }).items[0]!.task;
}

describe("a search of tasks", () => {
  it("comes newest first, page by page, all of them once", () => {
    const stage = withClient();
    for (let n = 1; n <= 25; n++) stage.submit(1, n);
    // A slot that is used again.
    stage.release(1, 20);
    stage.submit(1, 26);
    const found: string[] = [];
    for (let before: number | null = 0; before !== null; ) {
      const one: PageTasks = page(stage, {}, before);
      found.push(...keysOf(one));
      before = one.next;
    }
    const expected = Array.from({ length: 26 }, (_, i) => `f-1-${26 - i}`).filter((key) => key !== "f-1-20");
    expect(found).toEqual(expected);
    expect(page(stage).total).toBe(25);
  });

  it("takes parts of keys, statuses, functions, workers and runs", () => {
    const stage = withClient(2);
    stage.define(1, 2, "Fit");
    stage.say(1, { t: "openRun", run: 1 as never, name: "grid", weight: 1, steps: 0, keepMs: null });
    stage.submit(1, 1);
    stage.submit(1, 2, { fn: 2, run: 1 });
    stage.submit(1, 3, { fn: 2, deps: [2], key: "The-Key" });
    stage.submit(1, 4);
    const [a, b] = stage.assigned(1);
    stage.started(1, b!);
    stage.error(1, a!, false);
    const run = page(stage, { text: "fit" }).items[0]!.run;
    expect(page(stage, { text: "FIT" }).items.map(({ runName }) => runName)).toEqual(["grid"]);
    expect(keysOf(page(stage, { text: "e-k" }))).toEqual(["The-Key"]);
    expect(keysOf(page(stage, { status: "running" }))).toEqual(["Fit-1-2"]);
    expect(keysOf(page(stage, { status: "failed" }))).toEqual(["f-1-1"]);
    expect(keysOf(page(stage, { function: "Fit" }))).toEqual(["The-Key", "Fit-1-2"]);
    expect(keysOf(page(stage, { worker: "w1" }))).toEqual(["f-1-4", "The-Key", "Fit-1-2", "f-1-1"]);
    expect(keysOf(page(stage, { run: run as never }))).toEqual(["Fit-1-2"]);
    const failed = page(stage, { status: "failed" }).items[0]!;
    expect(failed).toMatchObject({ outcome: "TypeError: bad", worker: "w1", attempt: 1, since: 1000, state: "failed" });
  });

  it("looks at a bounded number of records, and goes on from there", () => {
    const stage = withClient(0);
    stage.check = "none";
    const messages = Array.from({ length: 60_000 }, (_, i) => stage.submission(i + 1));
    messages[5] = stage.submission(6, { key: "needle" });
    stage.say(1, ...messages);
    const first = page(stage, { text: "needle" });
    expect(first.items).toEqual([]);
    let next = first.next;
    let pages = 1;
    let found: string[] = [];
    while (next !== null && pages < 20) {
      const one = page(stage, { text: "needle" }, next);
      found = [...found, ...keysOf(one)];
      next = one.next;
      pages++;
    }
    expect([found, pages]).toEqual([["needle"], 4]);
    expect(keysOf(page(stage)).slice(0, 2)).toEqual(["f-1-60000", "f-1-59999"]);
    expect(keysOf(page(stage, {}, page(stage).next!))[0]).toBe("f-1-59990");
  });
});

describe("a task's page", () => {
  it("says all there is, with the encoded error that travels along", () => {
    const stage = withClient();
    stage.submit(1, 1);
    stage.submit(1, 2, { deps: [1] });
    const [a] = stage.assigned(1);
    stage.started(1, a!);
    stage.error(1, a!, false);
    const { value, data, dataBytes } = answerTo(stage, { q: "pageTask", task: a!.task, key: "" });
    expect(value).toMatchObject({
      task: { key: "f-1-1", state: "failed", dependents: 0 },
      failure: { code: "", name: "TypeError", message: "bad" },
      why: { key: "f-1-1", status: "failed" },
    });
    expect([stage.live.has(data), dataBytes]).toEqual([true, 5]);
    const second = ask(stage, { q: "pageTask", task: 0 as TaskId, key: "f-1-2" });
    expect(second.failure?.message).toBe("bad");
    expect(second.story.map(({ to }) => to)).toEqual(["waiting", "assigned", "failed"]);
  });

  it("gives the code of a function by the beginning of its hash, while anybody uses it", () => {
    const stage = withClient();
    stage.define(1, 2, "fit-model");
    const { value, data, dataBytes } = answerTo(stage, { q: "pageFunction", hash: "hash-fit" });
    expect([value, stage.live.has(data), dataBytes]).toEqual(["fit-model", true, 100]);
    const none = [null, 0, 0];
    for (const hash of ["hash-fi", "hash-fix", ""]) {
      const answer = answerTo(stage, { q: "pageFunction", hash });
      expect([answer.value, answer.data, answer.dataBytes]).toEqual(none);
    }
  });

  it("shows its neighbours while it waits", () => {
    const stage = withClient();
    for (let n = 1; n <= 60; n++) stage.submit(1, n);
    stage.submit(1, 61, { deps: Array.from({ length: 60 }, (_, i) => i + 1) });
    stage.submit(1, 62, { deps: [61] });
    const { inputs, dependents, failure, why } = ask(stage, { q: "pageTask", task: idOf(stage, "f-1-61"), key: "" });
    expect([inputs.length, inputs[0]!.key, dependents.map(({ key }) => key)]).toEqual([50, "f-1-1", ["f-1-62"]]);
    expect([failure, why.inputs?.missing]).toEqual([null, 60]);
  });
});

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

function edges({ from, to }: PageGraph): string[] {
  return from.map((source, i) => `${source}>${to[i]}`);
}

describe("a graph", () => {
  it("has a node for each task of a run, and their edges", () => {
    const stage = withClient();
    stage.say(1, { t: "openRun", run: 1 as never, name: "r", weight: 1, steps: 0, keepMs: null });
    stage.submit(1, 1, { run: 1 });
    stage.submit(1, 2, { run: 1, deps: [1] });
    stage.submit(1, 3, { run: 1, deps: [1, 2] });
    stage.submit(1, 4, { deps: [3] });
    const run = page(stage, { text: "f-1-1" }).items[0]!.run;
    const graph = ask(stage, { q: "pageGraph", run, task: 0 as TaskId, limit: 100 });
    expect(graph.task.map((id) => page(stage).items.find(({ task }) => task === id)?.key)).toEqual([
      "f-1-1",
      "f-1-2",
      "f-1-3",
    ]);
    expect(edges(graph)).toEqual(["0>1", "0>2", "1>2"]);
    expect(graph.status.map((at) => graph.statuses[at])).toEqual(["assigned", "assigned", "waiting"]);
    expect([graph.total, graph.isWhole, graph.names[graph.fn[0]!]]).toEqual([3, true, "f"]);
  });

  it("puts many tasks of one kind together, layer by layer", () => {
    const stage = withClient();
    stage.define(1, 2, "sum");
    for (let n = 1; n <= 40; n++) stage.submit(1, n);
    for (let n = 0; n < 10; n++) stage.submit(1, 41 + n, { fn: 2, deps: [4 * n + 1, 4 * n + 2, 4 * n + 3, 4 * n + 4] });
    stage.submit(1, 51, { fn: 2, deps: Array.from({ length: 10 }, (_, i) => 41 + i) });
    const graph = ask(stage, { q: "pageGraph", run: 0, task: 0 as TaskId, limit: 20 });
    expect(graph.count).toEqual([40, 10, 1]);
    expect(edges(graph)).toEqual(["0>1", "1>2"]);
    expect(graph.fn.map((fn) => graph.names[fn])).toEqual(["f", "sum", "sum"]);
    expect([graph.task[0], graph.status]).toEqual([0, [-1, -1, 0]]);
    expect(graph.groups.map((counts) => counts.reduce((a, b) => a + b))).toEqual([40, 10]);
  });

  it("of a chain that is too long for its layers is one group", () => {
    const stage = withClient();
    stage.submit(1, 1);
    for (let n = 2; n <= 50; n++) stage.submit(1, n, { deps: [n - 1] });
    const graph = ask(stage, { q: "pageGraph", run: 0, task: 0 as TaskId, limit: 10 });
    expect(graph.count).toEqual([1, 48, 1]);
    expect(edges(graph)).toEqual(["0>1", "1>2"]);
  });

  it("of very many tasks has a part, and says so: the scheduler is not to be kept from its work", () => {
    const stage = withClient();
    stage.check = "none";
    for (let n = 1; n <= 9_000; n += 500)
      stage.say(1, ...Array.from({ length: 500 }, (_, i) => stage.submission(n + i)));
    const graph = ask(stage, { q: "pageGraph", run: 0, task: 0 as TaskId, limit: 20 });
    expect([graph.count, graph.total, graph.isWhole]).toEqual([[8_000], 9_000, false]);
  });

  it("around a task has the nearest, as many as were asked for", () => {
    const stage = withClient();
    stage.submit(1, 1);
    for (let n = 2; n <= 50; n++) stage.submit(1, n, { deps: [n - 1] });
    const graph = ask(stage, { q: "pageGraph", run: 0, task: idOf(stage, "f-1-25"), limit: 5 });
    expect(graph.task).toEqual([23, 24, 25, 26, 27].map((n) => idOf(stage, `f-1-${n}`)));
    expect(graph.isWhole).toBe(false);
    const whole = ask(stage, { q: "pageGraph", run: 0, task: idOf(stage, "f-1-25"), limit: 50 });
    expect([whole.total, whole.isWhole]).toEqual([50, true]);
  });

  it("keeps the edges of tasks that are done or failed, while both are known, and so does a task's page", () => {
    const stage = withClient(2);
    for (let n = 1; n <= 2; n++) stage.submit(1, n);
    stage.submit(1, 3, { deps: [1, 2] });
    stage.submit(1, 4, { deps: [3] });
    const whole = (): PageGraph => ask(stage, { q: "pageGraph", run: 0, task: 0 as TaskId, limit: 100 });
    const given = stage.assigned(1);
    stage.finish(1, given[0]!);
    stage.finish(1, given[1]!);
    stage.error(1, [...given.slice(2), ...stage.assigned(1)][0]!, false);
    expect(whole().status.map((at) => whole().statuses[at])).toEqual(["done", "done", "failed", "failed"]);
    expect(edges(whole())).toEqual(["0>2", "1>2", "2>3"]);
    const middle = ask(stage, { q: "pageTask", task: idOf(stage, "f-1-3"), key: "" });
    expect(middle.inputs.map(({ key }) => key)).toEqual(["f-1-1", "f-1-2"]);
    expect(middle.dependents.map(({ key }) => key)).toEqual(["f-1-4"]);
    stage.release(1, 4);
    expect(edges(whole())).toEqual(["0>2", "1>2"]);
  });
});

describe("failures", () => {
  it("are told the first first, also when the tasks are forgotten, without those that only follow", () => {
    const stage = withClient(4);
    for (let n = 1; n <= 3; n++) stage.submit(1, n);
    stage.submit(1, 4, { deps: [2] });
    const [a, b] = stage.assigned(1);
    stage.now = 2_000;
    stage.error(1, b!, false);
    stage.now = 3_000;
    stage.error(1, a!, false);
    stage.release(1, 2, 4);
    const { total, items } = ask(stage, { q: "pageFailures", limit: 10 });
    expect(total).toBe(2);
    expect(items.map(({ key, at, state, worker, outcome }) => [key, at, state, worker, outcome])).toEqual([
      ["f-1-2", 2_000, "forgotten", "w1", "TypeError: bad"],
      ["f-1-1", 3_000, "failed", "w1", "TypeError: bad"],
    ]);
  });

  it("take the memory of one line each, however long the messages were", () => {
    const stage = new Stage({ failedCalls: 0 });
    observe(stage);
    stage.client();
    stage.worker(1);
    stage.check = "none";
    const used = (): number => {
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    const fail = (n: number): void => {
      stage.submit(1, n);
      const { task, attempt } = stage.assigned(1)[0]!;
      const message = Buffer.alloc(32_768, `${n}-`).toString("utf16le");
      const failure = { code: null, name: "Error", message, error: stage.payload(), errorBytes: 5 };
      stage.tell(1, { t: "errored", task, attempt, failure, retryable: false, durationUs: 10 });
      stage.release(1, n);
      stage.events.length = 0;
      stage.told(1);
      stage.workerBox.clear();
    };
    for (let n = 1; n <= 5; n++) fail(n);
    const before = used();
    for (let n = 6; n <= 105; n++) fail(n);
    expect(ask(stage, { q: "pageFailures", limit: 200 }).items).toHaveLength(105);
    // 100 messages take 3.3 MB.
    expect(used() - before).toBeLessThan(1e6);
  });

  it("of each run the first are kept, and the last of all", () => {
    const stage = withClient(1);
    stage.check = "touched";
    let n = 0;
    const fail = (run: number, count: number): void => {
      for (let i = 0; i < count; i++) {
        stage.submit(1, ++n, { run });
        stage.error(1, stage.assigned(1)[0]!, false);
        stage.release(1, n);
      }
    };
    for (let run = 1; run <= 2; run++)
      stage.say(1, { t: "openRun", run: run as never, name: `r${run}`, weight: 1, steps: 0, keepMs: null });
    fail(1, 200);
    fail(2, 200);
    const { total, items } = ask(stage, { q: "pageFailures", limit: 200 });
    const numbers = items.map(({ key }) => Number(key.split("-")[2]));
    const to = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);
    expect([total, numbers]).toEqual([400, [...to(1, 20), ...to(201, 20), ...to(301, 100)]]);
    expect(ask(stage, { q: "pageFailures", limit: 25 }).items.map(({ runName }) => runName)).toEqual([
      ...Array(5).fill("r1"),
      ...Array(20).fill("r2"),
    ]);
  });
});

describe("the page of a task that failed", () => {
  function withFailures(count: number, most: number, config = {}): Stage {
    const stage = new Stage({ failuresRemembered: most, ...config });
    observe(stage);
    stage.client();
    stage.worker(1);
    for (let n = 1; n <= count; n++) {
      stage.say(1, { t: "openRun", run: n as never, name: `r${n}`, weight: 1, steps: 0, keepMs: null });
      stage.submit(1, n, { run: n });
      stage.error(1, stage.assigned(1)[0]!, false);
    }
    return stage;
  }
  const leave = (stage: Stage): void => {
    stage.speakable.delete("c1");
    stage.step({ e: "clientGone", session: 1 as never });
  };

  it("stays, with its error, when its client is gone", () => {
    const stage = withFailures(1, 8);
    const task = idOf(stage, "f-1-1");
    leave(stage);
    expect(stage.machine.taskCounts().failed).toBe(0);
    for (const question of [
      { q: "pageTask", task, key: "" },
      { q: "pageTask", task: 0 as TaskId, key: "f-1-1" },
    ] as const) {
      const { value, data, dataBytes } = answerTo(stage, question);
      expect(value).toMatchObject({ task: { key: "f-1-1" }, failure: { name: "TypeError" }, now: stage.now });
      expect([stage.live.has(data), dataBytes]).toEqual([true, 5]);
    }
    expect(stage.machine.rememberedErrors()).toBe(1);
    expect(stage.live.size).toBe(1);
  });

  it("stays among the last, and of a run among the first five; what goes is freed", () => {
    const stage = withFailures(6, 4);
    leave(stage);
    expect([stage.machine.rememberedErrors(), stage.live.size]).toEqual([4, 4]);
    const one = withFailures(1, 8);
    for (let n = 2; n <= 9; n++) {
      one.submit(1, n, { run: 1 });
      one.error(1, one.assigned(1)[0]!, false);
    }
    leave(one);
    expect([one.machine.rememberedErrors(), one.live.size]).toEqual([5, 5]);
  });

  it("is of the first of its run: when theirs had to go, later ones do not take their place", () => {
    const stage = withFailures(3, 2);
    stage.release(1, 1);
    stage.release(1, 2);
    stage.release(1, 3);
    for (let n = 4; n <= 6; n++) {
      stage.submit(1, n, { run: 1 });
      stage.error(1, stage.assigned(1)[0]!, false);
      stage.release(1, n);
    }
    const isKept = (key: string) => answerTo(stage, { q: "pageTask", task: 0 as TaskId, key }).error === null;
    expect(["f-1-2", "f-1-3", "f-1-4", "f-1-5", "f-1-6"].filter(isKept)).toEqual(["f-1-3", "f-1-4"]);
  });

  it("takes time to write: of very many that go at once some are left out", () => {
    const stage = withFailures(40, 64);
    leave(stage);
    expect([stage.machine.rememberedErrors(), stage.live.size]).toEqual([16, 16]);
  });

  it("of one that failed for want of an input is not kept: the input's is", () => {
    const stage = withFailures(1, 8);
    stage.submit(1, 2, { deps: [1], run: 1 });
    leave(stage);
    expect(stage.machine.rememberedErrors()).toBe(1);
    expect(answerTo(stage, { q: "pageTask", task: 0 as TaskId, key: "f-1-2" }).error?.code).toBe("FLOCK_TASK_UNKNOWN");
  });
});

describe("a cancel from the page", () => {
  it("ends tasks for all who refer to them, says who did it, and is an event", () => {
    const stage = withClient();
    stage.client(2);
    stage.submit(1, 1, { key: "shared", fingerprint: "x" });
    stage.submit(2, 1, { key: "shared", fingerprint: "x" });
    stage.submit(1, 2, { deps: [1] });
    const tasks = [idOf(stage, "shared"), 12345 as TaskId];
    expect(ask(stage, { q: "pageCancel", tasks, run: 0, who: "admin" })).toBe(1);
    const said = stage.told(1);
    expect(said).toContainEqual({ t: "cancelled", n: 1, reason: "admin cancelled it on the status page" });
    expect(stage.outcomes(2)).toEqual(["cancelled 1"]);
    expect(said.some((m) => m.t === "failed" && m.n === 2 && m.failure.code === "FLOCK_CANCELLED")).toBe(true);
    const event = stage.machine.eventsSince(0, 100).find(({ kind }) => kind === "cancelled");
    expect(event).toMatchObject({ who: "admin", key: "shared", text: "1 task on the status page" });
    expect(ask(stage, { q: "pageCancel", tasks, run: 0, who: "admin" })).toBe(0);
  });

  it("of a run ends all that has not ended, each as cancelled", () => {
    const stage = withClient();
    stage.say(1, { t: "openRun", run: 1 as never, name: "grid", weight: 1, steps: 0, keepMs: null });
    for (let n = 1; n <= 4; n++) stage.submit(1, n, { run: 1, deps: n > 1 ? [n - 1] : [] });
    stage.submit(1, 5);
    stage.finish(1, stage.assigned(1)[0]!);
    const run = page(stage, { text: "f-1-1" }).items[0]!.run;
    stage.told(1);
    expect(ask(stage, { q: "pageCancel", tasks: [], run, who: "" })).toBe(3);
    expect(stage.outcomes(1).sort()).toEqual(["cancelled 2", "cancelled 3", "cancelled 4"]);
    expect(stage.machine.taskCounts()).toMatchObject({ done: 1, cancelled: 3, assigned: 1 });
    expect(stage.machine.eventsSince(0, 100).at(-1)).toMatchObject({ text: "3 tasks of run grid on the status page" });
  });

  it("asked again after a cut is done once", () => {
    const stage = withClient();
    stage.submit(1, 1);
    const question = { q: "pageCancel", tasks: [idOf(stage, "f-1-1")], run: 0, who: "admin" } as const;
    expect(answerTo(stage, question, OBSERVER, 5).value).toBe(1);
    stage.submit(1, 2);
    expect(answerTo(stage, question, OBSERVER, 5).value).toBe(1);
    expect(stage.machine.eventsSince(0, 100).filter(({ kind }) => kind === "cancelled")).toHaveLength(1);
  });

  it("leaves what was announced before as it is", () => {
    const stage = withClient();
    stage.submit(1, 1);
    stage.store(1, stage.assigned(1)[0]!);
    expect(stage.outcomes(1)).toEqual(["done 1"]);
    const id = idOf(stage, "f-1-1");
    stage.lose(1);
    expect(stage.machine.taskCounts().queued).toBe(1);
    expect(ask(stage, { q: "pageCancel", tasks: [id], run: 0, who: "admin" })).toBe(0);
    expect(stage.machine.taskCounts().queued).toBe(1);
  });
});
