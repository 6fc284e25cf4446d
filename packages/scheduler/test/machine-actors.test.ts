// Actors in the scheduler's machine: where they are made, in which order their calls are given out, and how they end.

import type { TaskId } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { type Assigned, Stage } from "./machine-stage.ts";

const PLAIN = 0;
const ACTOR = 1;
const CALL = 2;
const GPU_ACTOR = 3;

function stageWith(...workers: number[]): Stage {
  const stage = new Stage();
  join(stage, 1);
  for (const id of workers) stage.worker(id);
  return stage;
}

function join(stage: Stage, id: number): void {
  stage.client(id);
  stage.options(id, ACTOR, { isolation: "actor" });
  stage.options(id, CALL, { isolation: "call" });
  stage.options(id, GPU_ACTOR, { isolation: "actor", resources: { GPU: 10_000 } });
}

/** Makes actor `n` of the client at the worker. */
function make(stage: Stage, worker: number, n = 1, options = ACTOR): Assigned {
  stage.submit(1, n, { options });
  const [made] = stage.assigned(worker);
  stage.store(worker, made!, 0, 1);
  stage.outcomes();
  return made!;
}

function call(stage: Stage, n: number, deps: readonly number[] = [1], client = 1): void {
  stage.submit(client, n, { options: CALL, deps });
}

const keys = (assigned: readonly Assigned[]): string[] => assigned.map(({ key }) => key);
const workerNamed = (stage: Stage, name: string): ReturnType<Stage["machine"]["workers"]>[number] =>
  stage.machine.workers().find((worker) => worker.name === name)!;

describe("an actor", () => {
  it("for which a worker sends bytes lives there all the same, and the bytes are let go", () => {
    const stage = stageWith(1);
    stage.submit(1, 1, { options: ACTOR });
    stage.finish(1, stage.assigned(1)[0]!);
    expect(stage.live.size).toBe(1); // the function
    call(stage, 2);
    expect(stage.assigned(1)).toHaveLength(1);
    stage.lose(1);
    expect(stage.outcomes()).toEqual(["done 1", "failed 2 FLOCK_ACTOR_LOST"]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("is made where the fewest are, also where no slot is free, and takes none", () => {
    const stage = stageWith(1, 2);
    for (const n of [11, 12, 13, 14]) stage.submit(1, n);
    const busy = [...stage.assigned(1), ...stage.assigned(2)];
    expect(busy.length).toBeGreaterThanOrEqual(2);
    for (const n of [1, 2, 3, 4]) stage.submit(1, n, { options: ACTOR });
    const [one, two] = [stage.assigned(1), stage.assigned(2)];
    expect([one.length, two.length]).toEqual([2, 2]);
    for (const made of one) stage.store(1, made, 0, made.task);
    for (const made of two) stage.store(2, made, 0, made.task);
    expect(stage.outcomes().sort()).toEqual(["done 1", "done 2", "done 3", "done 4"]);
    expect(stage.machine.workers().map(({ actors, stored }) => [actors, stored])).toEqual([
      [2, 2],
      [2, 2],
    ]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("is no data: who asks for its bytes hears that, and it lives on", () => {
    const stage = stageWith(1);
    make(stage, 1);
    stage.locate(1, 1);
    expect(stage.outcomes()).toEqual(["failed 1 FLOCK_ARGUMENT_INVALID"]);
    stage.say(1, { t: "unavailable", n: 1 as never, holder: 1 as never, version: 9, why: "gone" });
    expect(stage.outcomes()).toEqual(["failed 1 FLOCK_ARGUMENT_INVALID"]);
    call(stage, 2);
    expect(keys(stage.assigned(1))).toEqual(["f-1-2"]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("that waits for what no worker has is not looked at while others come and go", () => {
    const stage = stageWith(1, 2, 3);
    stage.submit(1, 1, { options: GPU_ACTOR });
    const looked: number[] = [];
    for (let n = 2; n < 6; n++) {
      const before = stage.machine.looks();
      stage.submit(1, n);
      for (const worker of [1, 2, 3]) for (const task of stage.assigned(worker)) stage.finish(worker, task);
      looked.push(stage.machine.looks() - before);
    }
    expect(Math.max(...looked)).toBeLessThan(6); // with the actor it would be eight
    stage.worker(4, { resources: { GPU: 10_000 } });
    expect(keys(stage.assigned(4))).toEqual(["f-1-1"]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("waits for what it asks for, and keeps it while it lives", () => {
    const stage = stageWith();
    stage.worker(1, { resources: { GPU: 10_000 } });
    make(stage, 1, 1, GPU_ACTOR);
    stage.options(1, 4, { resources: { GPU: 10_000 } });
    stage.submit(1, 2, { options: 4 });
    stage.submit(1, 3, { options: GPU_ACTOR });
    expect(stage.assigned(1)).toEqual([]);
    expect(workerNamed(stage, "w1").resourcesUsed).toEqual({ GPU: 10_000 });
    stage.release(1, 1);
    expect(stage.take(1, "drop")).toHaveLength(1);
    expect(keys(stage.assigned(1))).toEqual(["f-1-3"]);
    stage.cancel(1, 3);
    expect(keys(stage.assigned(1))).toEqual(["f-1-2"]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("whose constructor throws fails with that, and leaves nothing", () => {
    const stage = stageWith(1);
    stage.submit(1, 1, { options: ACTOR });
    stage.error(1, stage.assigned(1)[0]!, false);
    expect(stage.outcomes()).toEqual(["failed 1 TypeError"]);
    expect(workerNamed(stage, "w1").actors).toBe(0);
    expect(stage.leftOver()).toEqual([]);
  });

  it("that was not made when its worker died is made elsewhere", () => {
    const stage = stageWith(1, 2);
    stage.submit(1, 1, { options: ACTOR });
    const first = [...stage.assigned(1), ...stage.assigned(2)];
    const at = first[0] !== undefined && workerNamed(stage, "w1").actors === 1 ? 1 : 2;
    stage.lose(at);
    const [again] = stage.assigned(3 - at);
    expect(again!.attempt).toBe(2);
    stage.store(3 - at, again!, 0, 1);
    expect(stage.outcomes()).toEqual(["done 1"]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("is no data: a task that takes it is refused, and so is a call of something else", () => {
    const stage = stageWith(1);
    make(stage, 1);
    stage.submit(1, 2, { deps: [1] });
    call(stage, 3, [1, 1]);
    stage.submit(1, 4, { options: PLAIN });
    stage.finish(1, stage.assigned(1)[0]!);
    call(stage, 5, [4]);
    call(stage, 6, []);
    expect(stage.outcomes()).toEqual([
      "failed 2 FLOCK_PROTOCOL",
      "failed 3 FLOCK_PROTOCOL",
      "done 4",
      "failed 5 FLOCK_PROTOCOL",
      "failed 6 FLOCK_PROTOCOL",
    ]);
    expect(stage.leftOver()).toEqual([]);
  });
});

describe("calls", () => {
  it("go out in the order of their submission, a bounded number at a time", () => {
    const stage = stageWith(1);
    make(stage, 1);
    for (let n = 2; n <= 41; n++) call(stage, n);
    const order: string[] = [];
    for (let given = stage.assigned(1); given.length > 0; given = stage.assigned(1)) {
      expect(given.length).toBeLessThanOrEqual(16);
      order.push(...keys(given));
      for (const one of given) stage.finish(1, one);
    }
    expect(order).toEqual(Array.from({ length: 40 }, (_, i) => `f-1-${i + 2}`));
    expect(stage.leftOver()).toEqual([]);
  });

  it("wait for one before them whose input is not there, and other clients' do not", () => {
    const stage = stageWith(1);
    make(stage, 1);
    stage.submit(1, 2);
    const [slow] = stage.assigned(1);
    call(stage, 3, [1, 2]);
    call(stage, 4);
    expect(stage.assigned(1)).toEqual([]);
    stage.cancel(1, 3);
    expect(keys(stage.assigned(1))).toEqual(["f-1-4"]);
    call(stage, 5, [1, 2]);
    call(stage, 6);
    stage.finish(1, slow!);
    expect(keys(stage.assigned(1))).toEqual(["f-1-5", "f-1-6"]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("are not assigned ahead of an input that is made at the same worker", () => {
    const stage = stageWith(1);
    make(stage, 1);
    stage.submit(1, 2);
    stage.submit(1, 3, { deps: [2] });
    call(stage, 4, [1, 3]);
    call(stage, 5);
    const given = stage.assigned(1);
    expect(keys(given)).toEqual(["f-1-2", "f-1-3"]);
    for (const one of given) stage.finish(1, one);
    expect(keys(stage.assigned(1))).toEqual(["f-1-4", "f-1-5"]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("are not given out behind one whose input travels, which may come back", () => {
    const stage = stageWith(1, 2);
    make(stage, 1);
    const at = workerNamed(stage, "w1").actors === 1 ? 1 : 2;
    stage.scatter(1, 2, 9000);
    for (const id of [1, 2])
      for (const { task } of stage.take(id, "expect") as { task: TaskId }[])
        stage.tell(id, { t: "held", task, bytes: 9000, version: 1 });
    call(stage, 3, [1, 2]);
    call(stage, 4);
    const [travels, ...others] = stage.assigned(at);
    expect([travels!.key, others]).toEqual(["f-1-3", []]);
    stage.stopped(at, travels!.task, travels!.attempt, "input");
    const [again] = stage.assigned(at);
    expect([again!.key, again!.attempt]).toEqual(["f-1-3", 2]);
    stage.finish(at, again!);
    expect(keys(stage.assigned(at))).toEqual(["f-1-4"]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("run although nobody wants their result any more, while their client is there", () => {
    const stage = stageWith(1);
    make(stage, 1);
    call(stage, 2);
    call(stage, 3);
    const [first, second] = stage.assigned(1);
    stage.release(1, 2, 3, 1);
    expect(stage.take(1, "stop")).toEqual([]);
    stage.finish(1, first!);
    expect(stage.take(1, "drop")).toEqual([]);
    stage.finish(1, second!);
    expect(stage.take(1, "drop")).toHaveLength(1);
    expect(stage.leftOver()).toEqual([]);
  });

  it("fail alone, and are not tried again", () => {
    const stage = stageWith(1);
    make(stage, 1);
    call(stage, 2);
    call(stage, 3);
    const [first, second] = stage.assigned(1);
    stage.error(1, first!);
    stage.finish(1, second!);
    expect(stage.outcomes()).toEqual(["failed 2 TypeError", "done 3"]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("that a cut swallowed come again in their order; an old attempt changes nothing", () => {
    const stage = stageWith(1);
    const made = make(stage, 1);
    for (const n of [2, 3, 4]) call(stage, n);
    const [arrived, ...swallowed] = stage.assigned(1);
    stage.cut(1);
    call(stage, 5);
    const tasks = [{ task: arrived!.task, attempt: arrived!.attempt, running: true }];
    stage.snapshot(1, { tasks, holds: [{ task: made.task, bytes: 0, version: 1 }] });
    const again = stage.assigned(1);
    expect(again.map(({ key, attempt }) => `${key} ${attempt}`)).toEqual(["f-1-3 2", "f-1-4 2", "f-1-5 1"]);
    stage.finish(1, swallowed[0]!);
    expect(stage.outcomes()).toEqual([]);
    for (const one of [arrived!, ...again]) stage.finish(1, one);
    expect(stage.outcomes()).toEqual(["done 2", "done 3", "done 4", "done 5"]);
    expect(stage.leftOver()).toEqual([]);
  });
});

describe("an actor that is lost", () => {
  const LOST = ["failed 3 FLOCK_ACTOR_LOST", "failed 4 FLOCK_ACTOR_LOST"];

  it("with its worker fails its calls, at once and later; none runs again", () => {
    const stage = stageWith(1);
    make(stage, 1);
    call(stage, 2);
    stage.store(1, stage.assigned(1)[0]!, 9000, 2);
    call(stage, 3);
    stage.started(1, stage.assigned(1)[0]!);
    call(stage, 4);
    stage.submit(1, 5, { deps: [2] });
    stage.worker(2);
    stage.outcomes();
    stage.lose(1, "SIGKILL");
    const said = stage.outcomes();
    expect(said).toEqual(expect.arrayContaining([...LOST, "failed 5 FLOCK_DATA_LOST of f-1-2"]));
    call(stage, 6);
    expect(stage.outcomes()).toEqual(["failed 6 FLOCK_ACTOR_LOST"]);
    expect(stage.assigned(2)).toEqual([]);
    expect(stage.leftOver()).toEqual([]);
  });

  it.each([
    [
      "its thread ended",
      (stage: Stage, task: TaskId) => stage.tell(1, { t: "actorEnded", task, how: "its thread ended" }),
    ],
    [
      "a snapshot that does not have it",
      (stage: Stage) => {
        stage.cut(1);
        stage.snapshot(1);
      },
    ],
    ["its worker left", (stage: Stage) => stage.lose(1, "left", true)],
  ])("by %s", (_, lose) => {
    const stage = stageWith(1);
    const { task } = make(stage, 1);
    call(stage, 3);
    call(stage, 4);
    stage.assigned(1);
    lose(stage, task);
    expect(stage.outcomes()).toEqual(LOST);
    if (stage.machine.workers().length > 0) expect(workerNamed(stage, "w1").actors).toBe(0);
    expect(stage.leftOver()).toEqual([]);
  });

  it("by a planned stop ends when its worker has nothing else to do: what runs is finished", () => {
    const stage = stageWith(1);
    make(stage, 1);
    call(stage, 3);
    const [running] = stage.assigned(1);
    stage.started(1, running!);
    stage.step({ e: "retireWorkers", workers: ["w1"] });
    call(stage, 4);
    expect(stage.assigned(1)).toEqual([]);
    expect(stage.take(1, "leave")).toEqual([]);
    stage.finish(1, running!);
    expect(stage.take(1, "leave")).toHaveLength(1);
    expect(stage.outcomes()).toEqual(["done 3", "failed 4 FLOCK_ACTOR_LOST"]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("is not one because somebody could not fetch it", () => {
    const stage = stageWith(1);
    const { task } = make(stage, 1);
    stage.tell(1, { t: "missing", task, holder: 1 as never, version: 1, why: "gone" });
    call(stage, 2);
    expect(stage.assigned(1)).toHaveLength(1);
    expect(stage.leftOver()).toEqual([]);
  });
});

describe("a client that is gone", () => {
  it("leaves a call under way to the other client of its actor, and that one's end stops it", () => {
    const stage = stageWith(1);
    join(stage, 2);
    stage.say(1, stage.submission(1, { options: ACTOR, key: "shared" }));
    stage.store(1, stage.assigned(1)[0]!, 0, 1);
    stage.say(2, stage.submission(1, { options: ACTOR, key: "shared" }));
    call(stage, 2);
    const [endless] = stage.assigned(1);
    for (const id of [1, 2]) {
      expect(stage.take(1, "stop")).toEqual([]);
      stage.speakable.delete(`c${id}`);
      stage.step({ e: "clientGone", session: id as never });
    }
    expect(stage.take(1, "stop")).toMatchObject([{ task: endless!.task, why: "cancelled" }]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("takes its actor along, with the calls that run", () => {
    const stage = stageWith(1);
    make(stage, 1);
    for (const n of [2, 3]) call(stage, n);
    const [running, waiting] = stage.assigned(1);
    stage.started(1, running!);
    expect(stage.leftOver()).toEqual([]);
    const stops = stage.take(1, "stop") as { task: TaskId }[];
    expect(stops.map(({ task }) => task).sort()).toEqual([running!.task, waiting!.task].sort());
    expect(stage.take(1, "drop")).toHaveLength(1);
    expect(workerNamed(stage, "w1").actors).toBe(0);
  });
});
