import type { SchedulerToClient, WatchQuestion } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { Stage } from "./machine-stage.ts";

function ask(stage: Stage, client: number, question: WatchQuestion): SchedulerToClient[] {
  stage.say(client, { t: "ask", id: 1, question });
  return stage.told(client);
}
const start = (workers: string[] = []): WatchQuestion => ({ q: "startProfile", workers, intervalUs: 1000 });
const take = (worker: string): WatchQuestion => ({ q: "takeProfile", worker });

function staged(): Stage {
  const stage = new Stage();
  stage.client();
  stage.client(2);
  stage.worker(1);
  stage.worker(2);
  return stage;
}

function tellProfile(stage: Stage, worker: number): void {
  stage.tell(worker, { t: "profiled", data: stage.payload(), dataBytes: 3, message: "" });
}

describe("profiles", () => {
  it("are begun at workers, and each is given to who asked", () => {
    const stage = staged();
    expect(ask(stage, 1, start(["w2"]))).toMatchObject([{ value: ["w2"], error: null }]);
    expect(stage.take(1, "profile")).toEqual([]);
    expect(stage.take(2, "profile")).toEqual([{ t: "profile", intervalUs: 1000 }]);
    expect(ask(stage, 1, take("w2"))).toEqual([]);
    expect(ask(stage, 1, take("w2"))).toEqual([]); // again, after a cut
    expect(stage.take(2, "profile")).toEqual([{ t: "profile", intervalUs: 0 }]);
    tellProfile(stage, 2);
    expect(stage.told()).toMatchObject([{ t: "answer", dataBytes: 3, error: null }]);
    expect(ask(stage, 1, take("w2"))).toMatchObject([{ error: { code: "FLOCK_PROFILE" } }]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("are given once: who asks a second time meanwhile hears that", () => {
    const stage = staged();
    ask(stage, 1, start(["w1"]));
    ask(stage, 1, take("w1"));
    stage.say(1, { t: "ask", id: 2, question: take("w1") });
    expect(stage.told()).toMatchObject([{ id: 2, error: { code: "FLOCK_PROFILE" } }]);
    tellProfile(stage, 1);
    expect(stage.told()).toMatchObject([{ id: 1, error: null }]);
  });

  it("are taken for one client at a time, of workers that are there", () => {
    const stage = staged();
    ask(stage, 1, start());
    expect(ask(stage, 2, start(["w1"]))).toMatchObject([
      { error: { code: "FLOCK_PROFILE", message: expect.stringContaining("client-1 takes") } },
    ]);
    expect(ask(stage, 2, take("w1"))).toMatchObject([{ error: { code: "FLOCK_PROFILE" } }]);
    expect(ask(stage, 2, start(["w7"]))).toMatchObject([{ error: { code: "FLOCK_WORKER_UNKNOWN" } }]);
  });

  it("of a client that leaves are ended and dropped; of a worker that dies, that is said", () => {
    const stage = staged();
    ask(stage, 1, start());
    stage.speakable.delete("c1");
    stage.step({ e: "clientGone", session: 1 as never });
    expect(stage.take(1, "profile").at(-1)).toEqual({ t: "profile", intervalUs: 0 });
    tellProfile(stage, 1);
    tellProfile(stage, 2);
    ask(stage, 2, start(["w1"]));
    ask(stage, 2, take("w1"));
    stage.lose(1);
    expect(stage.told(2)).toMatchObject([{ error: { message: expect.stringContaining("w1 left") } }]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("are asked for again when a worker's link was cut", () => {
    const stage = staged();
    ask(stage, 1, start(["w1"]));
    stage.cut(1);
    ask(stage, 1, take("w1"));
    stage.step({ e: "workerResumed", worker: 1 as never });
    stage.snapshot(1);
    expect(stage.take(1, "profile").at(-1)).toEqual({ t: "profile", intervalUs: 0 });
    stage.tell(1, { t: "profiled", data: 0 as never, dataBytes: 0, message: "it was not being profiled" });
    expect(stage.told()).toMatchObject([{ error: { message: "w1: it was not being profiled" } }]);
  });
});
