// Published data, and tasks that run to their ends though nobody waits for them.

import type { Answer, Question, SchedulerToClient, TaskNumber } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { type Assigned, Stage } from "./machine-stage.ts";

let asked = 100;

function ask(stage: Stage, client: number, question: object, id = ++asked): Answer {
  stage.told(client);
  stage.say(client, { t: "ask", id, question: question as Question });
  return stage.told(client).find((message) => message.t === "answer") as Answer;
}

function publish(
  stage: Stage,
  client: number,
  name: string,
  ns: number[],
  fields: { override?: boolean; id?: number } = {},
): Answer {
  const { override = false, id } = fields;
  return ask(stage, client, { q: "publish", name, ns, override, data: stage.payload(), dataBytes: 4 }, id);
}

function unpublish(stage: Stage, client: number, name: string): Answer {
  const { version } = ask(stage, client, { q: "dataset", name }).value as { version: number };
  return ask(stage, client, { q: "unpublish", name, version });
}

/** Clients 1 and 2, workers 1 and 2, and a task 1 of client 1 whose result stays with worker 1. */
function withResult(): Stage {
  const stage = new Stage();
  stage.client(1);
  stage.client(2);
  stage.worker(1);
  stage.submit(1, 1);
  stage.store(1, stage.assigned(1)[0]!);
  stage.worker(2);
  return stage;
}

/** The next assignment, and the worker that has it. */
function next(stage: Stage): readonly [number, Assigned] {
  for (const id of [1, 2]) {
    const [first, ...rest] = stage.assigned(id);
    if (first === undefined) continue;
    stage.workerBox.get(id)!.unshift(...rest);
    return [id, first];
  }
  throw new Error("nothing is assigned");
}

function leave(stage: Stage, client: number): void {
  stage.speakable.delete(`c${client}`);
  stage.step({ e: "clientGone", session: client as never });
}

const kinds = (told: readonly SchedulerToClient[]): string[] => told.map((m) => m.t);

describe("published data", () => {
  it("takes no more at the scheduler than there is room for", () => {
    const stage = new Stage({ sharedBudgetBytes: 1_500 });
    stage.client();
    stage.submit(1, 1);
    expect(publish(stage, 1, "a", [1]).error).toBeNull();
    expect(publish(stage, 1, "b", [1]).error).toBeNull();
    expect(publish(stage, 1, "c", [1]).error).toMatchObject({ code: "FLOCK_SHARED_FULL" });
    expect(publish(stage, 1, "b", [1], { override: true }).error).toBeNull();
    unpublish(stage, 1, "a");
    expect(publish(stage, 1, "c", [1]).error).toBeNull();
  });

  it("is published once, however much others published while its client was cut", () => {
    const stage = withResult();
    expect(publish(stage, 1, "a", [1], { id: 7 }).error).toBeNull();
    stage.submit(2, 1);
    for (let n = 1; n < 200; n++) publish(stage, 2, `b${n}`, [1]);
    expect(publish(stage, 1, "a", [1], { id: 7 }).error).toBeNull();
    expect(publish(stage, 1, "a", [1], { id: 8 }).error).toMatchObject({ code: "FLOCK_DATASET_EXISTS" });
  });

  it("outlives its client, and is had by any other", () => {
    const stage = withResult();
    expect(publish(stage, 1, "X", [1])).toMatchObject({ error: null });
    leave(stage, 1);
    expect(stage.machine.workers()[0]).toMatchObject({ stored: 1 });
    const dataset = ask(stage, 2, { q: "dataset", name: "X" });
    expect(dataset).toMatchObject({ value: { results: [{ name: "f", key: "f-1-1" }] }, dataBytes: 4 });
    expect(stage.live.has(dataset.data)).toBe(true);
    const { version } = dataset.value as { version: number };
    stage.say(2, { t: "ask", id: 1, question: { q: "referToDataset", name: "X", version, as: [9 as TaskNumber] } });
    expect(kinds(stage.told(2))).toEqual(["done", "answer"]);
    stage.locate(2, 9);
    expect(kinds(stage.told(2))).toEqual(["located"]);
    expect(unpublish(stage, 2, "X").error).toBeNull();
    expect(stage.machine.workers()[0]).toMatchObject({ stored: 1 });
    stage.release(2, 9);
    expect(stage.machine.workers()[0]).toMatchObject({ stored: 0 });
    expect(stage.leftOver()).toEqual([]);
  });

  it("keeps a task running whose client is gone, and computes a lost result again", () => {
    const stage = withResult();
    stage.submit(1, 2, { deps: [1] });
    publish(stage, 1, "later", [2]);
    leave(stage, 1);
    stage.store(...next(stage));
    stage.lose(1);
    stage.lose(2);
    stage.worker(1);
    stage.store(...next(stage));
    stage.store(...next(stage));
    expect(ask(stage, 2, { q: "datasets" }).value).toMatchObject([{ name: "later", results: 1, by: "client-1" }]);
    unpublish(stage, 2, "later");
    expect(stage.leftOver()).toEqual([]);
  });

  it("has one owner of a name, unless it is overridden", () => {
    const stage = withResult();
    stage.submit(2, 1);
    stage.finish(...next(stage));
    publish(stage, 1, "X", [1]);
    const refused = publish(stage, 2, "X", [1]);
    expect(refused.error).toMatchObject({ code: "FLOCK_DATASET_EXISTS" });
    expect(refused.error?.message).toContain("client-1");
    const before = (ask(stage, 1, { q: "dataset", name: "X" }).value as { version: number }).version;
    expect(publish(stage, 2, "X", [1], { override: true }).error).toBeNull();
    const names = (ask(stage, 1, { q: "dataset", name: "X" }).value as { results: { key: string }[] }).results;
    expect(names).toEqual([{ name: "f", key: "f-2-1" }]);
    // Of the old version nothing is had, and nothing is undone.
    const old = ask(stage, 1, { q: "referToDataset", name: "X", version: before, as: [7] });
    expect(old.error).toMatchObject({ code: "FLOCK_DATASET_UNKNOWN" });
    ask(stage, 1, { q: "unpublish", name: "X", version: before });
    expect(ask(stage, 1, { q: "datasets" }).value).toHaveLength(1);
    unpublish(stage, 1, "X");
    expect(stage.leftOver()).toEqual([]);
  });

  it("is named in the error of an unknown name", () => {
    const stage = withResult();
    expect(ask(stage, 2, { q: "dataset", name: "Y" }).error?.message).toContain("nothing is published");
    publish(stage, 1, "X", [1, 1]);
    expect(ask(stage, 2, { q: "dataset", name: "Y" }).error).toMatchObject({
      code: "FLOCK_DATASET_UNKNOWN",
      message: 'No data is published as "Y"; published are "X".',
    });
    unpublish(stage, 2, "X");
    expect(stage.leftOver()).toEqual([]);
  });

  it("is published once, however often a question is asked after cuts", () => {
    const stage = withResult();
    publish(stage, 1, "X", [1], { id: 7 });
    expect(publish(stage, 1, "X", [1], { id: 7 }).error).toBeNull();
    const { version } = ask(stage, 2, { q: "dataset", name: "X" }).value as { version: number };
    for (let i = 0; i < 2; i++) ask(stage, 2, { q: "referToDataset", name: "X", version, as: [5] });
    for (let i = 0; i < 2; i++) expect(ask(stage, 2, { q: "unpublish", name: "X", version }).error).toBeNull();
    stage.release(2, 5);
    expect(stage.leftOver()).toEqual([]);
  });

  it("cannot be of tasks that are not known", () => {
    const stage = withResult();
    expect(publish(stage, 1, "X", [1, 4]).error).toMatchObject({ code: "FLOCK_TASK_UNKNOWN" });
    expect(ask(stage, 1, { q: "datasets" }).value).toEqual([]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("is lost with the client that has not uploaded it", () => {
    const stage = withResult();
    stage.scatter(1, 2, 1_000_000);
    publish(stage, 1, "X", [2]);
    leave(stage, 1);
    const { version } = ask(stage, 2, { q: "dataset", name: "X" }).value as { version: number };
    stage.say(2, { t: "ask", id: 1, question: { q: "referToDataset", name: "X", version, as: [9 as TaskNumber] } });
    expect(stage.outcomes(2)).toEqual(["failed 9 FLOCK_DATA_LOST"]);
    stage.release(2, 9);
    unpublish(stage, 2, "X");
    expect(stage.leftOver()).toEqual([]);
  });

  it("is gone after a restart of the cluster", () => {
    const stage = withResult();
    publish(stage, 1, "X", [1]);
    stage.scatter(1, 2, 5, { small: true });
    publish(stage, 1, "Y", [2]);
    ask(stage, 2, { q: "restart" });
    expect(ask(stage, 2, { q: "datasets" }).value).toEqual([]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("frees what a client that is gone wanted to publish", () => {
    const stage = withResult();
    leave(stage, 1);
    const question = { q: "publish", name: "X", ns: [], override: false, data: stage.payload(), dataBytes: 4 } as const;
    stage.step({ e: "clientMessages", session: 1 as never, messages: [{ t: "ask", id: 1, question }] });
    expect(stage.leftOver()).toEqual([]);
  });
});

describe("a task that nobody waits for", () => {
  it("runs to its end, and is forgotten then", () => {
    const stage = new Stage();
    stage.client(1);
    stage.worker(1);
    stage.submit(1, 1);
    stage.submit(1, 2, { deps: [1] });
    expect(ask(stage, 1, { q: "fireAndForget", ns: [2, 2] }).error).toBeNull();
    leave(stage, 1);
    const [one, two] = stage.assigned(1);
    stage.store(1, one!);
    expect(stage.machine.taskCounts()).toMatchObject({ done: 1, assigned: 1 });
    stage.store(1, two!);
    expect(stage.leftOver()).toEqual([]);
  });

  it("is known when the question is asked again, after it was released", () => {
    const stage = new Stage();
    stage.client(1);
    stage.submit(1, 1);
    ask(stage, 1, { q: "fireAndForget", ns: [1] }, 3);
    stage.release(1, 1);
    expect(ask(stage, 1, { q: "fireAndForget", ns: [1] }, 3).error).toBeNull();
    expect(ask(stage, 1, { q: "fireAndForget", ns: [1] }, 4).error).toMatchObject({ code: "FLOCK_TASK_UNKNOWN" });
    stage.worker(1);
    stage.finish(...next(stage));
    expect(stage.leftOver()).toEqual([]);
  });

  it("is kept through retries and the loss of its worker", () => {
    const stage = new Stage();
    stage.client(1);
    stage.worker(1);
    stage.worker(2);
    stage.options(1, 1, { retries: 1 });
    stage.submit(1, 1, { options: 1 });
    ask(stage, 1, { q: "fireAndForget", ns: [1] });
    stage.release(1, 1);
    stage.error(...next(stage));
    const [id, again] = next(stage);
    stage.started(id, again);
    stage.lose(id);
    stage.finish(...next(stage));
    expect(stage.leftOver()).toEqual([]);
  });

  it("leaves its failure in the event log", () => {
    const stage = new Stage();
    stage.client(1);
    stage.worker(1);
    stage.submit(1, 1);
    ask(stage, 1, { q: "fireAndForget", ns: [1] });
    leave(stage, 1);
    stage.error(1, stage.assigned(1)[0]!);
    expect(stage.machine.eventsSince(0, 100)).toContainEqual(
      expect.objectContaining({ kind: "forgottenFailed", who: "w1", key: "f-1-1", text: "bad" }),
    );
    expect(stage.leftOver()).toEqual([]);
  });

  it("is cancelled by whoever still has its future", () => {
    const stage = new Stage();
    stage.client(1);
    stage.worker(1);
    stage.submit(1, 1);
    ask(stage, 1, { q: "fireAndForget", ns: [1] });
    stage.cancel(1, 1);
    expect(stage.outcomes(1)).toEqual(["cancelled 1"]);
    expect(stage.take(1, "stop")).toHaveLength(1);
    expect(stage.leftOver()).toEqual([]);
  });
});
