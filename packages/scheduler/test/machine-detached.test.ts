import type { RunQuestion, SchedulerToClient, TaskNumber } from "@taskflock/protocol/words";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Stage } from "./machine-stage.ts";

const KEEP_MS = 1000;

function open(stage: Stage, client: number, run: number, name: string): void {
  stage.say(client, { t: "openRun", run: run as never, name, weight: 1, steps: 0, keepMs: KEEP_MS });
}

function leave(stage: Stage, client: number): void {
  stage.speakable.delete(`c${client}`);
  stage.step({ e: "clientGone", session: client as never });
}

let lastId = 0;

function ask(
  stage: Stage,
  client: number,
  question: RunQuestion,
  id: number = ++lastId,
): Extract<SchedulerToClient, { t: "answer" }> {
  stage.say(client, { t: "ask", id, question });
  const answers = stage.clientBox.get(client)?.filter((m) => m.t === "answer") ?? [];
  stage.clientBox.set(client, stage.clientBox.get(client)?.filter((m) => m.t !== "answer") ?? []);
  return answers.at(-1)!;
}

/** The run's number, and the tasks that came with it. */
function attach(stage: Stage, client: number, name: string, as: number[]): { run: number; keys: string[] } {
  const { value } = ask(stage, client, { q: "attach", name, as: 7 as never });
  const { run } = (value as { run: { run: number } }).run;
  const given = ask(stage, client, { q: "attachTasks", run: run as never, after: 0, as: as as TaskNumber[] });
  return { run, keys: (given.value as { tasks: { key: string }[] }).tasks.map(({ key }) => key) };
}

const waiting = new WeakMap<Stage, ReturnType<Stage["assigned"]>>();

/** What worker 1 was given and this has not returned yet, in order. */
function assign(stage: Stage): ReturnType<Stage["assigned"]>[number] {
  const tasks = waiting.get(stage) ?? [];
  tasks.push(...stage.assigned(1));
  waiting.set(stage, tasks);
  return tasks.shift()!;
}

describe("a detached run", () => {
  it("makes the calls of its actors without its client", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.options(1, 1, { isolation: "actor" });
    stage.options(1, 2, { isolation: "call" });
    open(stage, 1, 1, "nightly");
    stage.submit(1, 1, { run: 1, options: 1 });
    stage.submit(1, 2, { run: 1 });
    stage.submit(1, 3, { run: 1, options: 2, deps: [1, 2] });
    stage.submit(1, 4, { run: 1, options: 2, deps: [1] });
    const made = assign(stage);
    const other = assign(stage);
    stage.store(1, made, 0, 1);
    leave(stage, 1);
    stage.finish(1, other);
    expect([assign(stage), assign(stage)].map(({ key }) => key)).toEqual(["f-1-3", "f-1-4"]);
  });

  it("goes on without its client, and another one gets its results", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    open(stage, 1, 1, "nightly");
    stage.submit(1, 1, { run: 1 });
    stage.submit(1, 2, { run: 1, deps: [1] });
    stage.submit(1, 3);
    const first = assign(stage);
    leave(stage, 1);
    expect(stage.machine.clusterInfo()).toMatchObject({ sessions: 0, tasks: { done: 0 }, runs: [{ name: "nightly" }] });
    stage.finish(1, first);
    stage.client(2);
    expect(attach(stage, 2, "nightly", [11, 12, 13]).keys).toEqual(["f-1-1", "f-1-2"]);
    stage.finish(1, assign(stage));
    expect(stage.outcomes(2)).toEqual(["done 11", "done 12"]);
    stage.pass(KEEP_MS * 1000);
    expect(stage.machine.runs().map(({ name }) => name)).toEqual(["client-2"]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("knows what its client let go of, though another one cancels its own task of that number", () => {
    const stage = new Stage();
    stage.client();
    open(stage, 1, 1, "nightly");
    for (const n of [1, 2]) stage.submit(1, n, { run: 1 });
    stage.client(2);
    attach(stage, 2, "nightly", [2, 1]); // 2 is the other one's 1
    stage.release(1, 2);
    stage.cancel(2, 2);
    const { run } = stage.machine.runs().find(({ detached }) => detached)!;
    stage.release(2, 1, 2);
    ask(stage, 2, { q: "forgetRun", run: run as never });
    expect(stage.machine.taskCounts()).toMatchObject({ queued: 1, cancelled: 0 });
    expect(stage.leftOver()).toEqual([]);
  });

  it("leaves no alarm behind when it is forgotten before its time, nor when it goes on after all", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    open(stage, 1, 1, "nightly");
    stage.say(1, { t: "closeRun", run: 1 as never, outcome: "done" });
    stage.pass(KEEP_MS * 500);
    stage.submit(1, 1, { run: 1 });
    expect(stage.alarm ?? 0).toBeLessThan(stage.now + KEEP_MS * 500);
    stage.finish(1, assign(stage));
    stage.pass(KEEP_MS * 999);
    stage.client(2);
    expect(attach(stage, 2, "nightly", [5]).keys).toEqual(["f-1-1"]);
    const { run } = stage.machine.runs().find(({ detached }) => detached)!;
    ask(stage, 2, { q: "forgetRun", run: run as never });
    expect(stage.alarm).toBeNull();
    expect(stage.leftOver()).toEqual([]);
  });

  it("hears nothing more of a client that said goodbye", () => {
    const stage = new Stage();
    stage.client();
    open(stage, 1, 1, "nightly");
    stage.submit(1, 1, { run: 1 });
    const afterwards = [stage.submission(2), stage.submission(3, { run: 1 })];
    stage.say(1, { t: "goodbye" }, ...afterwards, { t: "locate", n: 9 as TaskNumber });
    leave(stage, 1);
    expect(stage.machine.runs()).toMatchObject([{ name: "nightly", counts: { total: 1 } }]);
    const left = stage.machine
      .eventsSince(0, 100)
      .filter(({ kind }) => kind === "clientGone" || kind === "runDetached");
    expect(left.map(({ kind }) => kind)).toEqual(["runDetached", "clientGone"]);
    expect(stage.live.size).toBe(2);
  });

  it("keeps what its client let go of, until its time is over", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    open(stage, 1, 1, "nightly");
    stage.submit(1, 1, { run: 1 });
    stage.submit(1, 2, { run: 1 });
    stage.finish(1, assign(stage));
    stage.release(1, 1);
    stage.client(2);
    expect(attach(stage, 2, "nightly", [5, 6]).keys).toEqual(["f-1-1", "f-1-2"]);
    stage.release(2, 5, 6);
    stage.say(1, { t: "closeRun", run: 1 as never, outcome: "done" });
    stage.pass(10 * KEEP_MS * 1000);
    expect(stage.machine.taskCounts()).toMatchObject({ done: 1, assigned: 1 });
    stage.finish(1, assign(stage));
    stage.pass(KEEP_MS * 1000 - 1);
    expect(stage.machine.taskCounts().done).toBe(2);
    stage.pass(1);
    // The one that its client holds stays.
    expect(stage.machine.taskCounts().done).toBe(1);
    stage.release(1, 2);
    expect(stage.machine.taskCounts().done).toBe(0);
    expect(stage.leftOver()).toEqual([]);
  });

  it("is told about to who attached, and ends by their wish: what runs is stopped", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    open(stage, 1, 1, "nightly");
    stage.submit(1, 1, { run: 1 });
    const task = assign(stage);
    leave(stage, 1);
    stage.client(2);
    const { run } = attach(stage, 2, "nightly", []);
    stage.told(2);
    stage.pass(1_000_000);
    stage.started(1, task);
    expect(stage.told(2)).toMatchObject([{ t: "runProgress", run: 7, counts: { total: 1, running: 1 } }]);
    expect(ask(stage, 2, { q: "forgetRun", run: run as never }).error).toBeNull();
    expect(stage.take(1, "stop")).toHaveLength(1);
    expect(ask(stage, 2, { q: "forgetRun", run: run as never }).error).toBeNull();
    expect(ask(stage, 2, { q: "attachTasks", run: run as never, after: 0, as: [] }).error?.code).toBe(
      "FLOCK_RUN_UNKNOWN",
    );
    stage.stopped(1, task.task, task.attempt, "cancelled");
    expect(stage.leftOver()).toEqual([]);
  });

  it("has the same tasks for who asks again after a cut, whatever its client cancelled meanwhile", () => {
    const stage = new Stage();
    stage.client();
    open(stage, 1, 1, "nightly");
    for (const n of [1, 2, 3]) stage.submit(1, n, { run: 1 });
    stage.client(2);
    const { run, keys } = attach(stage, 2, "nightly", [11, 12]);
    expect(keys).toEqual(["f-1-1", "f-1-2"]);
    stage.cancel(1, 1);
    const as = [11, 12] as TaskNumber[];
    const again = ask(stage, 2, { q: "attachTasks", run: run as never, after: 0, as }, lastId);
    expect((again.value as { tasks: { key: string }[] }).tasks.map(({ key }) => key)).toEqual(keys);
  });

  it("is cancelled for all by who attached", () => {
    const stage = new Stage();
    stage.client();
    open(stage, 1, 1, "nightly");
    stage.submit(1, 1, { run: 1 });
    leave(stage, 1);
    stage.client(2);
    attach(stage, 2, "nightly", [4]);
    stage.cancel(2, 4);
    expect(stage.outcomes(2)).toEqual(["cancelled 4"]);
    expect(stage.machine.runs()).toMatchObject([{ name: "nightly", counts: { cancelled: 1 }, status: "done" }, {}]);
    stage.pass(KEEP_MS * 1000);
    expect(stage.leftOver()).toEqual([]);
  });

  it("of an unknown name is refused with those there are; the newest of a name counts", () => {
    const stage = new Stage();
    stage.client();
    stage.client(2);
    const refused = ask(stage, 2, { q: "attach", name: "nightly", as: 1 as never });
    expect(refused.error).toMatchObject({ code: "FLOCK_RUN_UNKNOWN", message: expect.stringContaining("none") });
    open(stage, 1, 1, "weekly");
    open(stage, 1, 2, "weekly");
    const again = ask(stage, 2, { q: "attach", name: "nightly", as: 1 as never });
    expect(again.error?.message).toContain("weekly");
    expect(ask(stage, 2, { q: "attach", name: "weekly", as: 1 as never }).value).toMatchObject({
      run: { run: stage.machine.runs().at(-1)?.run },
      owner: "client-1",
      isOwned: true,
    });
  });

  it("an attached client that leaves takes nothing with it", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    open(stage, 1, 1, "nightly");
    stage.submit(1, 1, { run: 1 });
    leave(stage, 1);
    stage.client(2);
    attach(stage, 2, "nightly", [4]);
    leave(stage, 2);
    stage.finish(1, assign(stage));
    stage.client(3);
    attach(stage, 3, "nightly", [9]);
    expect(stage.outcomes(3)).toEqual(["done 9"]);
    stage.pass(KEEP_MS * 1000);
    expect(stage.leftOver()).toEqual([]);
  });
});

describe("whatever clients do", () => {
  const act = fc.oneof(
    fc.record({ do: fc.constant("submit" as const), dep: fc.boolean() }),
    fc.record({
      do: fc.constantFrom("finish", "release", "cancel", "close", "leave", "attach", "forget", "wait", "lose"),
    }),
  );

  it("nothing is left of detached runs in the end", () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const stage = new Stage();
        const script = new Script(stage);
        for (const one of acts) script.act(one.do, "dep" in one && one.dep);
        script.end();
        expect(stage.leftOver()).toEqual([]);
        expect(stage.machine.runs()).toEqual([]);
      }),
      { numRuns: 300, seed: 13 },
    );
  });
});

/** Clients that come and go, each with one detached run of the same name. */
class Script {
  readonly #stage: Stage;
  #client = 0;
  #worker = 0;
  #n = 0;
  #tasks: ReturnType<Stage["assigned"]> = [];

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#join();
    this.#start();
  }

  act(what: string, dep: boolean): void {
    const stage = this.#stage;
    const client = this.#client;
    if (what === "submit") {
      const deps = dep && this.#n > 0 ? [this.#n] : [];
      stage.submit(client, ++this.#n, { run: 1, deps });
    } else if (what === "release" && this.#n > 0) stage.release(client, Math.ceil(this.#n / 2));
    else if (what === "cancel" && this.#n > 0) stage.cancel(client, this.#n);
    else if (what === "close") stage.say(client, { t: "closeRun", run: 1 as never, outcome: "stopped" });
    else if (what === "wait") stage.pass(KEEP_MS * 400);
    else this.#disturb(what);
  }

  end(): void {
    const stage = this.#stage;
    leave(stage, this.#client);
    for (let again = 0; again < 200; again++) this.#finish();
    stage.pass(KEEP_MS * 2000);
  }

  #disturb(what: string): void {
    const stage = this.#stage;
    if (what === "finish") this.#finish();
    else if (what === "leave") {
      leave(stage, this.#client);
      this.#join();
    } else if (what === "attach") {
      const as = Array.from({ length: 5 }, () => ++this.#n);
      const { value } = ask(stage, this.#client, { q: "attach", name: "nightly", as: 7 as never });
      const run = (value as { run: { run: number } } | null)?.run.run ?? 0;
      ask(stage, this.#client, { q: "attachTasks", run: run as never, after: 0, as: as as TaskNumber[] });
    } else if (what === "forget") {
      const run = stage.machine.runs().find(({ detached }) => detached)?.run ?? 0;
      ask(stage, this.#client, { q: "forgetRun", run: run as never });
    } else if (what === "lose") {
      stage.lose(this.#worker);
      this.#start();
    }
  }

  #finish(): void {
    this.#tasks.push(...this.#stage.assigned(this.#worker));
    const task = this.#tasks.shift();
    if (task !== undefined) this.#stage.finish(this.#worker, task);
  }

  #join(): void {
    this.#stage.client(++this.#client);
    this.#n = 0;
    open(this.#stage, this.#client, 1, "nightly");
  }

  #start(): void {
    this.#tasks = [];
    this.#stage.worker(++this.#worker, { slots: 2 });
  }
}
