import { describe, expect, it } from "vitest";
import { Stage } from "./machine-stage.ts";

const pause = { t: "pausing", paused: true, reason: "850 MB of 1 GB" } as const;
const resume = { t: "pausing", paused: false, reason: "600 MB of 1 GB" } as const;

describe("a worker that is paused", () => {
  it("gives back what has not begun, finishes what runs, gets nothing new, and works again when it resumes", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.say(1, stage.submission(1), stage.submission(2), stage.submission(3));
    const [a, b] = stage.assigned(1);
    stage.started(1, a!);
    stage.tell(1, pause);
    expect(stage.machine.workers()[0]).toMatchObject({ status: "paused", running: 1 });
    expect(stage.take(1, "stop")).toEqual([{ t: "stop", task: b!.task, attempt: 1, why: "stolen" }]);
    stage.stopped(1, b!.task, b!.attempt, "stolen");
    stage.store(1, a!, 5000, 1);
    expect(stage.assigned(1)).toEqual([]);
    stage.tell(1, resume);
    expect(stage.machine.workers()[0]).toMatchObject({ status: "running" });
    expect(stage.assigned(1).map((x) => x.key)).toEqual(["f-1-2", "f-1-3"]);
  });

  it("is passed over for one that is not", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.tell(1, pause);
    stage.say(1, stage.submission(1), stage.submission(2));
    expect(stage.assigned(1)).toEqual([]);
    stage.worker(2);
    expect(stage.assigned(2)).toHaveLength(2);
    expect(stage.assigned(1)).toEqual([]);
  });

  it("goes on handing out what it holds", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.submit(1, 1);
    const [a] = stage.assigned(1);
    stage.store(1, a!, 5000, 1);
    stage.tell(1, pause);
    stage.worker(2);
    stage.submit(1, 2, { deps: [1] });
    const [b] = stage.assigned(2);
    expect(b!.inputs[0]!.holders).toEqual([{ worker: 1, address: "h:1", version: 1 }]);
  });

  it("is not what a task that only it can run is warned of: it comes back", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1, { resources: { GPU: 10_000 } });
    stage.worker(2);
    stage.tell(1, pause);
    stage.options(1, 1, { resources: { GPU: 10_000 } });
    stage.submit(1, 1, { options: 1 });
    expect(stage.told()).toEqual([]);
    stage.tell(1, resume);
    expect(stage.assigned(1)).toHaveLength(1);
  });

  it("stays paused over a cut, and gives back then what it could not be asked for", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.submit(1, 1);
    const [a] = stage.assigned(1);
    stage.cut(1);
    stage.tell(1, pause);
    expect(stage.machine.workers()[0]).toMatchObject({ status: "cut" });
    stage.snapshot(1, { tasks: [{ task: a!.task, attempt: 1 as never, running: false }] });
    expect(stage.machine.workers()[0]).toMatchObject({ status: "paused" });
    expect(stage.take(1, "stop")).toMatchObject([{ task: a!.task, why: "stolen" }]);
    stage.stopped(1, a!.task, a!.attempt, "stolen");
    expect(stage.assigned(1)).toEqual([]);
    stage.tell(1, resume);
    expect(stage.assigned(1)).toHaveLength(1);
  });

  it("retires as any other", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.tell(1, pause);
    stage.step({ e: "retireWorkers", workers: ["w1"] });
    expect(stage.take(1, "leave")).toHaveLength(1);
    stage.tell(1, resume);
    stage.submit(1, 1);
    expect(stage.assigned(1)).toEqual([]);
  });
});

describe("a copy that cannot be read any more", () => {
  it("is dropped and made again; an older word about it changes nothing", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.submit(1, 1);
    const [a] = stage.assigned(1);
    stage.store(1, a!, 5000, 2);
    stage.tell(1, { t: "spoiled", task: a!.task, version: 1 });
    expect(stage.take(1, "drop")).toEqual([]);
    stage.tell(1, { t: "spoiled", task: a!.task, version: 2 });
    expect(stage.take(1, "drop")).toHaveLength(1);
    expect(stage.assigned(1)).toMatchObject([{ task: a!.task, attempt: 2 }]);
  });
});
