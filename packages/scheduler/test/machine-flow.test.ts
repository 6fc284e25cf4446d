import type { TaskNumber } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { Stage } from "./machine-stage.ts";

describe("a task's way", () => {
  it("is assigned, finishes, is told once and forgotten on release", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.submit(1, 1);
    const [task] = stage.assigned(1);
    expect(task).toMatchObject({ attempt: 1, key: "f-1-1", inputs: [], solo: false, expectedUs: 0 });
    stage.started(1, task!);
    expect(stage.machine.taskCounts().running).toBe(1);
    stage.finish(1, task!);
    expect(stage.outcomes()).toEqual(["done 1"]);
    stage.release(1, 1);
    expect(stage.machine.taskCounts().done).toBe(0);
    expect(stage.leftOver()).toEqual([]);
  });

  it("waits for a worker, and for the worker's snapshot", () => {
    const stage = new Stage();
    stage.client();
    stage.submit(1, 1);
    expect(stage.machine.taskCounts().queued).toBe(1);
    stage.worker(7, { slots: 2 });
    expect(stage.assigned(7)).toHaveLength(1);
    expect(stage.take(7, "function")).toHaveLength(1);
  });

  it("gives a worker slots + 1 tasks of unknown duration, and many once it knows that they are tiny", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1, { slots: 2 });
    stage.say(1, ...Array.from({ length: 1000 }, (_, i) => stage.submission(i + 1)));
    const first = stage.assigned(1);
    expect(first).toHaveLength(3);
    stage.finish(1, first[0]!, 10);
    expect(stage.assigned(1).length).toBeGreaterThan(900);
  });

  it("stops what runs when nobody wants it any more", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.submit(1, 1);
    const [task] = stage.assigned(1);
    stage.started(1, task!);
    stage.release(1, 1);
    expect(stage.take(1, "stop")).toEqual([{ t: "stop", task: task!.task, attempt: 1, why: "cancelled" }]);
    stage.finish(1, task!);
    expect(stage.leftOver()).toEqual([]);
  });

  it("drops the bytes of a stale attempt", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.submit(1, 1);
    const [task] = stage.assigned(1);
    stage.release(1, 1);
    stage.store(1, task!);
    expect(stage.take(1, "drop")).toEqual([{ t: "drop", task: task!.task }]);
  });
});

describe("dependencies", () => {
  it("ship small results inline", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.submit(1, 1);
    stage.finish(1, stage.assigned(1)[0]!);
    stage.submit(1, 2, { deps: [1] });
    const [b] = stage.assigned(1);
    expect(b!.inputs[0]).toMatchObject({ bytes: 8, holders: [] });
    expect(b!.inputs[0]!.inline).not.toBe(0);
    stage.finish(1, b!);
    expect(stage.outcomes()).toEqual(["done 1", "done 2"]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("name the holders of large ones, and go where they are", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.worker(2);
    stage.submit(1, 1);
    stage.submit(1, 2);
    stage.store(2, stage.assigned(2)[0]!, 50_000_000, 4);
    stage.store(1, stage.assigned(1)[0]!, 10, 2);
    stage.submit(1, 3, { deps: [1, 2] });
    expect(stage.assigned(1)).toEqual([]);
    const [c] = stage.assigned(2);
    expect(c!.inputs.map((i) => i.holders[0])).toEqual([
      { worker: 1, address: "h:1", version: 2 },
      { worker: 2, address: "h:2", version: 4 },
    ]);
  });

  it("assign chains ahead, at the same worker, also of a function that nobody has measured", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.worker(2);
    stage.say(1, ...Array.from({ length: 100 }, (_, i) => stage.submission(i + 1, { deps: i === 0 ? [] : [i] })));
    const given = [...stage.assigned(1), ...stage.assigned(2)];
    expect(given.map((a) => a.key)).toEqual(Array.from({ length: 65 }, (_, i) => `f-1-${i + 1}`));
    expect(given[1]!.inputs[0]).toMatchObject({ inline: 0, holders: [] });
    stage.finish(1, given[0]!);
    expect(stage.assigned(1).map((a) => a.key)).toEqual(Array.from({ length: 35 }, (_, i) => `f-1-${i + 66}`));
    stage.finish(1, given[1]!);
    expect(stage.outcomes()).toEqual(["done 1", "done 2"]);
    expect(stage.take(1, "stop")).toEqual([]);
  });

  it("assign no more ahead than the slots can take where others could run it too, before the function is measured", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.worker(2);
    stage.say(1, stage.submission(1), ...[2, 3, 4].map((n) => stage.submission(n, { deps: [1] })));
    const given = stage.assigned(1);
    expect(given.map((a) => a.key)).toEqual(["f-1-1", "f-1-2"]);
    stage.finish(1, given[0]!, 30_000);
    expect(stage.assigned(2).map((a) => a.key)).toEqual(["f-1-3"]);
  });

  it("come again to the same worker when they reached it after their input was made and gone", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.worker(2);
    stage.say(1, stage.submission(1), stage.submission(2, { deps: [1] }), stage.submission(3, { deps: [2] }));
    const [a, b, c] = stage.assigned(1);
    stage.finish(1, a!);
    stage.stopped(1, b!.task, b!.attempt, "predecessor");
    stage.stopped(1, c!.task, c!.attempt, "predecessor");
    const again = stage.assigned(1);
    expect(again.map((x) => [x.key, x.attempt])).toEqual([
      ["f-1-2", 2],
      ["f-1-3", 2],
    ]);
    expect(again.map((x) => x.inputs[0]!.inline !== 0)).toEqual([true, false]);
    for (const task of again) stage.finish(1, task);
    expect(stage.outcomes()).toEqual(["done 1", "done 2", "done 3"]);
    expect(stage.assigned(2)).toEqual([]);
  });

  it("take back what was assigned ahead when its input moves away", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.say(1, stage.submission(1), stage.submission(2, { deps: [1] }));
    const [a, b] = stage.assigned(1);
    stage.stopped(1, a!.task, a!.attempt, "input");
    expect(stage.take(1, "stop")).toMatchObject([{ task: b!.task, attempt: 1 }]);
    const again = stage.assigned(1);
    expect(again.map((x) => [x.key, x.attempt])).toEqual([["f-1-1", 2]]);
    stage.finish(1, again[0]!);
    stage.finish(1, stage.assigned(1)[0]!);
    expect(stage.outcomes()).toEqual(["done 1", "done 2"]);
  });

  it("are not assigned ahead again to a worker that will not make their input", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.say(1, stage.submission(1), stage.submission(2, { deps: [1] }));
    const [a, b] = stage.assigned(1);
    stage.stopped(1, b!.task, b!.attempt, "predecessor");
    expect(stage.assigned(1)).toEqual([]);
    stage.finish(1, a!);
    expect(stage.assigned(1).map((x) => [x.key, x.attempt])).toEqual([["f-1-2", 2]]);
  });

  it("keep lineage, not bytes, of what only a large result was made from", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.submit(1, 1);
    const [a] = stage.assigned(1);
    stage.store(1, a!, 5000, 1);
    stage.submit(1, 2, { deps: [1] });
    const [b] = stage.assigned(1);
    stage.store(1, b!, 6000, 2);
    stage.release(1, 1);
    expect(stage.take(1, "drop")).toEqual([{ t: "drop", task: a!.task }]);
    stage.lose(1);
    stage.worker(2);
    expect(stage.assigned(2).map((x) => x.key)).toEqual(["f-1-1", "f-1-2"]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("fail with a code when they were never submitted", () => {
    const stage = new Stage();
    stage.client();
    stage.submit(1, 1, { deps: [77] });
    stage.submit(1, 2, { deps: [1] });
    stage.submit(1, 3, { fn: 9 });
    stage.submit(1, 4, { options: 9 });
    expect(stage.outcomes()).toEqual([
      "failed 1 FLOCK_TASK_UNKNOWN",
      "failed 2 FLOCK_TASK_UNKNOWN of f-1-1",
      "failed 3 FLOCK_PROTOCOL",
      "failed 4 FLOCK_PROTOCOL",
    ]);
    expect(stage.leftOver()).toEqual([]);
  });
});

describe("shared keys", () => {
  it("name one task across sessions; another fingerprint is a conflict", () => {
    const stage = new Stage();
    stage.client(1);
    stage.client(2);
    stage.worker(1, { slots: 4 });
    stage.submit(1, 1, { key: "k", fingerprint: "a" });
    stage.submit(2, 1, { key: "k", fingerprint: "a" });
    stage.submit(2, 2, { key: "k", fingerprint: "b" });
    const given = stage.assigned(1);
    expect(given.map((a) => a.key)).toEqual(["k"]);
    stage.cancel(2, 1);
    stage.finish(1, given[0]!);
    expect(stage.outcomes(1)).toEqual(["done 1"]);
    expect(stage.outcomes(2)).toEqual(["failed 2 FLOCK_KEY_CONFLICT", "cancelled 1"]);
    expect(stage.leftOver()).toEqual([]);
  });
});

describe("locating results", () => {
  it("waits until there is a copy again", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.submit(1, 1);
    stage.store(1, stage.assigned(1)[0]!, 9000, 3);
    stage.locate(1, 1);
    expect(stage.told().at(-1)).toMatchObject({ t: "located", bytes: 9000, holders: [{ worker: 1, version: 3 }] });
    stage.say(1, { t: "unavailable", n: 1 as TaskNumber, holder: 1 as never, version: 2, why: "gone" });
    expect(stage.told().at(-1)).toMatchObject({ t: "located", holders: [{ version: 3 }] });
    stage.say(1, { t: "unavailable", n: 1 as TaskNumber, holder: 1 as never, version: 3, why: "gone" });
    expect(stage.told()).toEqual([]);
    const [again] = stage.assigned(1);
    expect(again!.attempt).toBe(2);
    stage.store(1, again!, 9000, 5);
    expect(stage.told()).toMatchObject([{ t: "located", holders: [{ version: 5 }] }]);
    expect(stage.leftOver()).toEqual([]);
  });
});
