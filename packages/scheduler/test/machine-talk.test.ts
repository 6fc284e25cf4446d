import type { SchedulerToClient, TalkQuestion } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { type Assigned, Stage } from "./machine-stage.ts";

function ask(stage: Stage, client: number, question: TalkQuestion, id = 1): SchedulerToClient[] {
  stage.say(client, { t: "ask", id, question });
  return stage.told(client);
}
const hear = (n: number): TalkQuestion => ({ q: "hearReports", n: n as never });
const told = (stage: Stage, n: number): TalkQuestion => ({
  q: "tellTask",
  n: n as never,
  data: stage.payload(),
  dataBytes: 3,
});

function report(stage: Stage, worker: number, { task, attempt }: Assigned): void {
  stage.tell(worker, { t: "report", task, attempt, data: stage.payload(), dataBytes: 3 });
}

/** Task 1 of client 1 runs at worker 1. */
function running(): { readonly stage: Stage; readonly task: Assigned } {
  const stage = new Stage();
  stage.client();
  stage.worker(1);
  stage.submit(1, 1);
  const [task] = stage.assigned(1);
  stage.started(1, task!);
  return { stage, task: task! };
}

describe("reports of tasks", () => {
  it("reach those who asked for them, while they refer to the task", () => {
    const { stage, task } = running();
    report(stage, 1, task);
    expect(stage.told()).toEqual([]);
    expect(ask(stage, 1, hear(1))).toMatchObject([{ value: null, error: null }]);
    report(stage, 1, task);
    expect(stage.told()).toMatchObject([{ t: "report", n: 1, dataBytes: 3 }]);
    stage.release(1, 1);
    report(stage, 1, task);
    expect(stage.told()).toEqual([]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("of a former attempt, or from another worker, are nobody's", () => {
    const { stage, task } = running();
    ask(stage, 1, hear(1));
    stage.worker(2);
    report(stage, 2, task);
    stage.lose(1);
    const [again] = stage.assigned(2);
    report(stage, 2, task);
    expect(stage.told().filter(({ t }) => t === "report")).toEqual([]);
    report(stage, 2, again!);
    expect(stage.told()).toMatchObject([{ t: "report", n: 1 }]);
    stage.finish(2, again!);
    expect(stage.leftOver()).toEqual([]);
  });

  it("are left out while the client does not read, and of tasks that nobody knows", () => {
    const { stage, task } = running();
    ask(stage, 1, hear(1));
    stage.step({ e: "clientBlocked", session: 1 as never });
    report(stage, 1, task);
    stage.step({ e: "clientReady", session: 1 as never });
    expect(stage.told()).toEqual([]);
    expect(ask(stage, 1, hear(7), 2)).toMatchObject([{ error: { code: "FLOCK_TASK_UNKNOWN" } }]);
    stage.finish(1, task);
    report(stage, 1, task);
    expect(stage.told()).toMatchObject([{ t: "done" }]);
    expect(stage.leftOver()).toEqual([]);
  });
});

describe("words to tasks", () => {
  it("go to the worker where the task runs, once, also when they are said again after a cut", () => {
    const { stage, task } = running();
    const said = (): unknown[] => stage.take(1, "tell");
    expect(ask(stage, 1, told(stage, 1), 5)).toMatchObject([{ id: 5, value: true }]);
    expect(said()).toMatchObject([{ t: "tell", task: task.task, attempt: 1, dataBytes: 3 }]);
    expect(ask(stage, 1, told(stage, 1), 5)).toMatchObject([{ id: 5, value: true }]);
    expect(said()).toEqual([]);
    expect(ask(stage, 1, told(stage, 1), 6)).toMatchObject([{ id: 6, value: true }]);
    expect(said()).toHaveLength(1);
    expect(stage.leftOver()).toEqual([]);
  });

  it("to tasks that do not run are not said: queued, ended, cut off, unknown", () => {
    const { stage, task } = running();
    stage.submit(1, 2);
    expect(ask(stage, 1, told(stage, 2), 2)).toMatchObject([{ value: false }]);
    stage.cut(1);
    expect(ask(stage, 1, told(stage, 1), 3)).toMatchObject([{ value: false }]);
    stage.step({ e: "workerResumed", worker: 1 as never });
    stage.snapshot(1, { tasks: [{ task: task.task, attempt: task.attempt, running: true }] });
    expect(ask(stage, 1, told(stage, 1), 4)).toMatchObject([{ value: true }]);
    stage.finish(1, task);
    stage.told();
    expect(ask(stage, 1, told(stage, 1), 5)).toMatchObject([{ value: false }]);
    expect(ask(stage, 1, told(stage, 9), 6)).toMatchObject([{ error: { code: "FLOCK_TASK_UNKNOWN" } }]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("of more questions than are remembered keep nothing", () => {
    const { stage } = running();
    for (let id = 1; id <= 200; id++) ask(stage, 1, told(stage, 1), id);
    expect(stage.take(1, "tell")).toHaveLength(200);
    expect(stage.leftOver()).toEqual([]);
  });
});

describe("a task that gives up its place on a retiring worker", () => {
  it("is begun elsewhere, and that is no failure", () => {
    const stage = new Stage();
    stage.client();
    stage.options(1, 1, { allowedFailures: 0, retries: 0 });
    stage.worker(1);
    stage.submit(1, 1, { options: 1 });
    const [task] = stage.assigned(1);
    stage.started(1, task!);
    stage.step({ e: "retireWorkers", workers: ["w1"] });
    stage.worker(2);
    stage.stopped(1, task!.task, task!.attempt, "retiring");
    expect(stage.take(1, "leave")).toHaveLength(1);
    stage.lose(1, "left", true);
    const [again] = stage.assigned(2);
    expect(again).toMatchObject({ task: task!.task, attempt: 2, solo: false });
    stage.finish(2, again!);
    expect(stage.outcomes()).toEqual(["done 1"]);
    expect(stage.leftOver()).toEqual([]);
  });
});
