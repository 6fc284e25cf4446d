// What is kept of calls that failed, and what a client gets to run one itself.

import type { Answer, TaskNumber } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { Stage } from "./machine-stage.ts";

function ask(stage: Stage, question: { q: "call"; n: number } | { q: "inputs"; n: number; as: number[] }): Answer {
  stage.told();
  stage.say(1, { t: "ask", id: 7, question: question as never });
  return stage.told().find((message) => message.t === "answer") as Answer;
}

/** A client, a worker, and a task 1 with a result that stays there. */
function withInput(): Stage {
  const stage = new Stage();
  stage.client();
  stage.worker(1);
  stage.submit(1, 1);
  stage.store(1, stage.assigned(1)[0]!);
  return stage;
}

function fail(stage: Stage): void {
  stage.error(1, stage.assigned(1)[0]!);
}

describe("a call that failed", () => {
  it("is told with its arguments while a client has it", () => {
    const stage = withInput();
    stage.submit(1, 2, { deps: [1] });
    fail(stage);
    const answer = ask(stage, { q: "call", n: 2 });
    expect(answer).toMatchObject({ id: 7, value: { functions: [], inputs: 1 }, error: null, dataBytes: 10 });
    expect(stage.live.has(answer.data)).toBe(true);
    stage.release(1, 2);
    expect(stage.live.has(answer.data)).toBe(false);
    expect(ask(stage, { q: "call", n: 2 })).toMatchObject({ error: { code: "FLOCK_TASK_UNKNOWN" }, data: 0 });
  });

  it("has inputs that are made again when nobody kept them", () => {
    const stage = withInput();
    stage.submit(1, 2, { deps: [1] });
    stage.release(1, 1);
    fail(stage);
    expect(stage.machine.workers()[0]!.storedBytes).toBe(0);
    expect(ask(stage, { q: "inputs", n: 2, as: [5] })).toMatchObject({ value: null, error: null });
    const [again] = stage.assigned(1);
    stage.locate(1, 5);
    stage.store(1, again!);
    expect(stage.told()).toContainEqual(expect.objectContaining({ t: "located", n: 5, task: again!.task }));
    stage.release(1, 2, 5);
    expect(stage.leftOver()).toEqual([]);
  });

  it("has inputs whose data the cluster keeps for it", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.scatter(1, 1, 3, { small: true });
    stage.submit(1, 2, { deps: [1, 1] });
    stage.release(1, 1);
    fail(stage);
    stage.told();
    stage.say(1, { t: "ask", id: 7, question: { q: "inputs", n: 2 as TaskNumber, as: [5, 6] as TaskNumber[] } });
    const told = stage.told();
    expect(told.map((message) => message.t)).toEqual(["done", "done", "answer"]);
    // Asked again after a cut, it is the same two references.
    expect(ask(stage, { q: "inputs", n: 2, as: [5, 6] })).toMatchObject({ error: null });
    stage.release(1, 2, 5, 6);
    expect(stage.machine.taskCounts().done).toBe(0);
  });

  it("is kept when it was the first to fail, not when it could not run", () => {
    const stage = withInput();
    stage.submit(1, 2);
    stage.submit(1, 3, { deps: [2] });
    fail(stage);
    expect(ask(stage, { q: "call", n: 2 }).error).toBeNull();
    expect(ask(stage, { q: "call", n: 3 })).toMatchObject({ error: { code: "FLOCK_CALL_FORGOTTEN" } });
    stage.submit(1, 4);
    stage.cancel(1, 4);
    expect(ask(stage, { q: "call", n: 4 })).toMatchObject({ error: { code: "FLOCK_CALL_FORGOTTEN" } });
  });

  it("is kept while it lasts: so many calls, and so many bytes", () => {
    for (const limits of [{ failedCalls: 2 }, { failedCallBytes: 20 }]) {
      const stage = new Stage(limits);
      stage.client();
      stage.worker(1);
      for (const n of [1, 2, 3]) {
        stage.submit(1, n);
        fail(stage);
      }
      const known = [1, 2, 3].map((n) => ask(stage, { q: "call", n }).error === null);
      expect(known).toEqual([false, true, true]);
    }
    const stage = new Stage({ failedCallBytes: 9 });
    stage.client();
    stage.worker(1);
    stage.submit(1, 1);
    fail(stage);
    expect(ask(stage, { q: "call", n: 1 }).error?.code).toBe("FLOCK_CALL_FORGOTTEN");
  });

  it("is forgotten with the last reference, though a result was made from it once", () => {
    const stage = withInput();
    stage.submit(1, 2, { deps: [1] });
    stage.store(1, stage.assigned(1)[0]!);
    // Its result is lost, and cannot be made again; that of task 2 is not.
    stage.say(1, { t: "unavailable", n: 1 as TaskNumber, holder: 1 as never, version: 9, why: "gone" });
    fail(stage);
    expect(ask(stage, { q: "call", n: 1 }).error).toBeNull();
    stage.release(1, 1);
    stage.release(1, 2);
    expect(stage.leftOver()).toEqual([]);
  });

  it("of a session that asks late is answered as it is then", () => {
    const stage = withInput();
    stage.submit(1, 2);
    fail(stage);
    stage.step({ e: "clientBlocked", session: 1 as never });
    stage.say(1, { t: "ask", id: 9, question: { q: "call", n: 2 as TaskNumber } });
    stage.release(1, 2);
    stage.step({ e: "clientReady", session: 1 as never });
    expect(stage.told().at(-1)).toMatchObject({ t: "answer", id: 9, error: { code: "FLOCK_TASK_UNKNOWN" } });
  });

  it("of another session names the functions as this one knows them", () => {
    const stage = new Stage();
    stage.client(1);
    stage.client(2);
    stage.define(1, 4, "g");
    stage.define(2, 9, "g");
    stage.define(2, 10, "h");
    stage.worker(1);
    const work = { key: "k", fingerprint: "x" };
    const functions = [9, 10, 9] as never[];
    stage.say(2, { ...stage.submission(1, work), functions } as never);
    stage.submit(1, 1, work);
    fail(stage);
    expect(ask(stage, { q: "call", n: 1 }).value).toEqual({ functions: [4, null, 4], inputs: 0 });
  });
});
