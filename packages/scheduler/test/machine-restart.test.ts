import type { Restarted, WorkerInfo } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { Stage } from "./machine-stage.ts";

interface Answer<V> {
  readonly value: V;
  readonly error: { code: string; message: string } | null;
}

function ask<V>(stage: Stage, question: object, id = 1): Answer<V> | null {
  stage.say(1, { t: "ask", id, question } as never);
  return answered(stage, id);
}

function answered<V>(stage: Stage, id: number): Answer<V> | null {
  const mine = stage.clientBox.get(1) ?? [];
  const at = mine.findIndex((m) => m.t === "answer" && m.id === id);
  return at < 0 ? null : (mine.splice(at, 1)[0] as unknown as Answer<V>);
}

describe("a restart of the cluster", () => {
  it("cancels what has not ended, of all clients, and what only workers hold; small results stay", () => {
    const stage = new Stage();
    stage.client(1);
    stage.client(2);
    stage.worker(1, { slots: 2 });
    stage.submit(1, 1);
    stage.finish(1, stage.assigned(1)[0]!);
    stage.submit(1, 2);
    stage.store(1, stage.assigned(1)[0]!);
    stage.say(1, stage.submission(3), stage.submission(4, { deps: [3, 2] }), stage.submission(5, { deps: [4] }));
    stage.submit(2, 1);
    stage.scatter(2, 2, 9_000);
    const [running] = stage.assigned(1);
    stage.started(1, running!);
    stage.told(1);
    const { value } = ask<Restarted>(stage, { q: "restart" })!;
    expect(value).toEqual({ restarted: ["w1"], kept: [], cancelled: 5, dropped: 1 });
    expect(stage.take(1, "leave")).toEqual([{ t: "leave", restart: true }]);
    expect(stage.outcomes(1)).toEqual(["cancelled 5", "cancelled 4", "cancelled 3"]);
    expect(stage.told(2).map((m) => m.t)).toEqual(expect.arrayContaining(["cancelled", "cancelled", "notice"]));
    stage.locate(1, 2);
    expect(stage.outcomes(1)).toEqual(["cancelled 2"]);
    stage.locate(1, 1);
    expect(stage.told(1)).toMatchObject([{ t: "located", n: 1 }]);
    // What was on the way changes nothing.
    stage.finish(1, running!);
    expect(stage.outcomes(1)).toEqual([]);
    stage.lose(1, "it asked to be started again", true);
    expect(stage.leftOver()).toEqual([]);
  });

  it("ends actors and their calls", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.options(1, 1, { isolation: "actor", resources: { GPU: 10_000 } });
    stage.options(1, 2, { isolation: "call" });
    stage.worker(2, { resources: { GPU: 10_000 } });
    stage.submit(1, 1, { options: 1 });
    stage.store(2, stage.assigned(2)[0]!);
    stage.submit(1, 2, { options: 2, deps: [1] });
    stage.submit(1, 3, { options: 2, deps: [1] });
    stage.told();
    expect(ask<Restarted>(stage, { q: "restart" })!.value).toMatchObject({ cancelled: 2, dropped: 1 });
    expect(stage.outcomes()).toEqual(["cancelled 3", "cancelled 2"]);
    stage.lose(2, "left", true);
    stage.worker(3, { resources: { GPU: 10_000 } });
    stage.submit(1, 4, { options: 1 });
    expect(stage.assigned(3)).toHaveLength(1);
    expect(stage.leftOver()).toEqual([]);
  });

  it("leaves workers without a nanny where they are, with nothing", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1, { nanny: false });
    stage.worker(2);
    stage.submit(1, 1);
    expect(ask<Restarted>(stage, { q: "restart" })!.value).toMatchObject({ restarted: ["w2"], kept: ["w1"] });
    expect(stage.take(1, "leave")).toEqual([]);
    stage.take(1, "assign");
    stage.submit(1, 2);
    expect(stage.assigned(1)).toHaveLength(1);
    expect(stage.leftOver()).toEqual([]);
  });

  it("happens once, however often it is asked for after a cut", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    const first = ask(stage, { q: "restart" }, 7);
    stage.lose(1, "left", true);
    stage.worker(2, { name: "w1" });
    expect(ask(stage, { q: "restart" }, 7)).toEqual(first);
    expect(stage.take(2, "leave")).toEqual([]);
    ask(stage, { q: "restart" }, 8);
    expect(stage.take(2, "leave")).toHaveLength(1);
    expect(stage.leftOver()).toEqual([]);
  });

  it("reaches a worker whose link is cut when it is back", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.submit(1, 1);
    const [running] = stage.assigned(1);
    stage.started(1, running!);
    stage.cut(1);
    expect(ask<Restarted>(stage, { q: "restart" })!.value.restarted).toEqual(["w1"]);
    stage.snapshot(1, { tasks: [{ task: running!.task, attempt: running!.attempt, running: true }] });
    expect(stage.take(1, "leave")).toEqual([{ t: "leave", restart: true }]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("is over when all are back under their names", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.worker(2);
    ask(stage, { q: "restart" }, 1);
    expect(ask(stage, { q: "waitForNamed", workers: ["w1", "w2"] }, 2)).toBe(null);
    stage.lose(1, "left", true);
    stage.worker(3, { name: "w1" });
    expect(answered(stage, 2)).toBe(null);
    stage.lose(2, "left", true);
    stage.worker(4, { name: "w2" });
    expect(answered<WorkerInfo[]>(stage, 2)!.value.map(({ worker }) => worker)).toEqual([3, 4]);
    expect(stage.leftOver()).toEqual([]);
  });
});

describe("a restart of single workers", () => {
  it("loses nothing: what runs is finished, what is held is handed over", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.submit(1, 1);
    stage.store(1, stage.assigned(1)[0]!);
    stage.submit(1, 2);
    const [running] = stage.assigned(1);
    stage.started(1, running!);
    stage.worker(2);
    expect(ask(stage, { q: "restartWorkers", workers: ["w1"] })!.error).toBe(null);
    expect(stage.take(1, "retire")).toHaveLength(1);
    expect(stage.take(1, "leave")).toEqual([]);
    stage.finish(1, running!);
    const [move] = stage.take(2, "acquire") as { task: number }[];
    stage.tell(2, { t: "held", task: move!.task as never, bytes: 10_000, version: 1 });
    expect(stage.take(1, "leave")).toEqual([{ t: "leave", restart: true }]);
    expect(stage.outcomes()).toEqual(["done 1", "done 2"]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("refuses names that are not there, and workers that nobody would start again; then nothing is done", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1, { nanny: false });
    stage.worker(2);
    const unknown = ask(stage, { q: "restartWorkers", workers: ["w2", "w9"] }, 1);
    expect(unknown!.error).toMatchObject({ code: "FLOCK_WORKER_UNKNOWN", message: expect.stringContaining("w9") });
    const alone = ask(stage, { q: "restartWorkers", workers: ["w1", "w2"] }, 2);
    expect(alone!.error).toMatchObject({ code: "FLOCK_NO_NANNY", message: expect.stringContaining("w1") });
    expect([...stage.take(1, "retire"), ...stage.take(2, "retire")]).toEqual([]);
    expect(stage.leftOver()).toEqual([]);
  });
});

it("an idle cluster's workers leave for good, also those that hold data", () => {
  const stage = new Stage();
  stage.client();
  stage.worker(1);
  stage.worker(2);
  stage.submit(1, 1);
  const at = stage.assigned(1).concat(stage.assigned(2))[0]!;
  const holder = stage.machine.workers().find((w) => w.assigned > 0)!.worker;
  stage.store(holder, at);
  stage.step({ e: "idleTimeout", afterMs: 1000 });
  for (const id of [1, 2]) expect(stage.take(id, "leave")).toEqual([{ t: "leave", restart: false }]);
  expect(stage.leftOver()).toEqual([]);
});
