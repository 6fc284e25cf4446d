// Large parts of arguments: lost with a worker, and sent again by the client that kept them.

import type { SessionId, TaskId, Why } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { Stage } from "./machine-stage.ts";

const BYTES = 5_000_000;
const LIMIT_US = 300_000_000 + BYTES;

/** Data 1 of client 1, which it keeps, is at worker 1. */
function kept(): { stage: Stage; data: TaskId } {
  const stage = new Stage();
  stage.client();
  stage.worker(1);
  stage.scatter(1, 1, BYTES, { kept: true });
  const data = expected(stage, 1);
  stage.tell(1, { t: "held", task: data, bytes: BYTES, version: 1 });
  stage.told();
  return { stage, data };
}

function expected(stage: Stage, worker: number): TaskId {
  const [message] = stage.take(worker, "expect");
  return (message as { task: TaskId }).task;
}

function why(stage: Stage): string {
  stage.say(1, { t: "ask", id: 1, question: { q: "why", n: 2 as never } });
  const said = stage.told().find(({ t }) => t === "answer");
  return (said as { value: Why }).value.text;
}

const asked = (stage: Stage, id = 1): unknown[] => stage.told(id).filter(({ t }) => t === "uploadTo");
const resume = (stage: Stage): void => {
  stage.speakable.add("c1");
  stage.step({ e: "clientResumed", session: 1 as SessionId });
};

describe("a part of an argument whose only holder dies", () => {
  it("is sent again by its client, and the tasks that wait for it run", () => {
    const { stage, data } = kept();
    stage.worker(2);
    for (let n = 2; n < 22; n++) stage.submit(1, n, { deps: [1] });
    stage.lose(1);
    expect(asked(stage)).toEqual([
      { t: "uploadTo", n: 1, task: data, holders: [{ worker: 2, address: "h:2", version: 0 }] },
    ]);
    expect(stage.outcomes()).toEqual([]);
    expect(expected(stage, 2)).toBe(data);
    const before = stage.assigned(2);
    stage.tell(2, { t: "held", task: data, bytes: BYTES, version: 1 });
    const ran: string[] = [];
    for (let given = [...before, ...stage.assigned(2)]; given.length > 0; given = stage.assigned(2))
      for (const task of given) {
        stage.finish(2, task);
        ran.push(task.key);
      }
    expect(new Set(ran).size).toBe(20);
    expect(stage.outcomes().filter((end) => end.startsWith("done"))).toHaveLength(20);
    expect(stage.alarm).toBeNull();
    stage.release(1, ...Array.from({ length: 21 }, (_, i) => i + 1));
    expect(stage.leftOver()).toEqual([]);
  });

  it("waits for a worker when none is there, and says so", () => {
    const { stage, data } = kept();
    stage.submit(1, 2, { deps: [1] });
    stage.lose(1);
    expect(why(stage)).toContain("waits for its client's data again, and no worker is there");
    expect(asked(stage)).toEqual([]);
    stage.pass(2 * LIMIT_US);
    stage.worker(2);
    expect(asked(stage)).toHaveLength(1);
    expect(why(stage)).toContain("it waits for its client's data again; client-1 is asked to send it");
    stage.tell(2, { t: "held", task: data, bytes: BYTES, version: 1 });
    expect(stage.assigned(2)).toHaveLength(1);
  });

  it("is asked for only when a task needs it", () => {
    const { stage, data } = kept();
    stage.lose(1);
    stage.worker(2);
    expect(asked(stage)).toEqual([]);
    stage.submit(1, 2, { deps: [1] });
    expect(asked(stage)).toHaveLength(1);
    stage.tell(2, { t: "held", task: data, bytes: BYTES, version: 1 });
    stage.finish(2, stage.assigned(2)[0]!);
    expect(stage.outcomes()).toEqual(["done 2"]);
  });

  it("is asked for when a result that was made of it is lost, too", () => {
    const { stage, data } = kept();
    stage.submit(1, 2, { deps: [1] });
    stage.store(1, stage.assigned(1)[0]!);
    stage.worker(2);
    stage.told();
    stage.lose(1);
    expect(asked(stage)).toHaveLength(1);
    stage.tell(2, { t: "held", task: data, bytes: BYTES, version: 1 });
    stage.locate(1, 2);
    stage.store(2, stage.assigned(2)[0]!);
    expect(stage.told().at(-1)).toMatchObject({ t: "located", n: 2, holders: [{ worker: 2 }] });
  });

  it("goes to another worker when that one dies as well", () => {
    const { stage, data } = kept();
    stage.worker(2);
    stage.submit(1, 2, { deps: [1] });
    stage.lose(1);
    expect(asked(stage)).toHaveLength(1);
    stage.lose(2);
    expect(stage.outcomes()).toEqual([]);
    stage.worker(3);
    expect(asked(stage)).toMatchObject([{ holders: [{ worker: 3 }] }]);
    stage.tell(3, { t: "held", task: data, bytes: BYTES, version: 1 });
    expect(stage.assigned(3)).toHaveLength(1);
  });

  it("goes to the one worker that is there again, when nobody knows why that failed; a while", () => {
    const { stage, data } = kept();
    stage.worker(2);
    stage.submit(1, 2, { deps: [1] });
    stage.lose(1);
    for (let round = 0; round < 20; round++) {
      expect(asked(stage)).toHaveLength(1);
      stage.say(1, { t: "unavailable", n: 1 as never, holder: 2 as never, version: 0, why: "gone" });
      expect(asked(stage)).toEqual([]);
      stage.pass(1_000_000);
    }
    expect(stage.take(2, "drop")).toContainEqual({ t: "drop", task: data });
    stage.say(1, { t: "unavailable", n: 1 as never, holder: 2 as never, version: 0, why: "gone" });
    expect(stage.outcomes()).toContain("failed 2 FLOCK_DATA_LOST of data-1-1");
  });
});

describe("it is lost", () => {
  it("when its client has it no more: who asked, and who has it, is told", () => {
    const { stage } = kept();
    stage.worker(2);
    stage.submit(1, 2, { deps: [1] });
    stage.lose(1);
    expect(asked(stage)).toHaveLength(1);
    stage.say(1, { t: "notKept", n: 1 as never });
    expect(stage.outcomes()).toEqual(["failed 2 FLOCK_DATA_LOST of data-1-1", "failed 1 FLOCK_DATA_LOST"]);
    expect(stage.alarm).toBeNull();
    stage.say(1, { t: "notKept", n: 1 as never }, { t: "notKept", n: 7 as never });
    expect(stage.leftOver()).toEqual([]);
  });

  it("when its client does not answer in time", () => {
    const { stage } = kept();
    stage.worker(2);
    stage.submit(1, 2, { deps: [1] });
    stage.lose(1);
    stage.pass(LIMIT_US - 1);
    expect(stage.outcomes()).toEqual([]);
    stage.pass(1);
    expect(stage.outcomes()).toEqual(["failed 2 FLOCK_DATA_LOST of data-1-1", "failed 1 FLOCK_DATA_LOST"]);
  });

  it("not while its client is away: when it is back it is asked again, and has its time", () => {
    const { stage } = kept();
    stage.worker(2);
    stage.submit(1, 2, { deps: [1] });
    stage.speakable.delete("c1");
    stage.step({ e: "clientCut", session: 1 as SessionId });
    stage.lose(1);
    stage.pass(3 * LIMIT_US);
    resume(stage);
    expect(asked(stage)).toHaveLength(1);
    stage.pass(LIMIT_US / 2);
    stage.speakable.delete("c1");
    stage.step({ e: "clientCut", session: 1 as SessionId });
    stage.pass(3 * LIMIT_US);
    resume(stage);
    expect(asked(stage)).toHaveLength(1);
    stage.pass(LIMIT_US);
    expect(stage.outcomes()).toContain("failed 2 FLOCK_DATA_LOST of data-1-1");
  });

  it("when its client leaves, or lets go of it", () => {
    const { stage } = kept();
    stage.client(2);
    stage.worker(2);
    stage.say(1, stage.submission(2, { deps: [1], key: "shared" }));
    stage.say(2, stage.submission(1, { key: "shared" }));
    stage.lose(1);
    expect(asked(stage)).toHaveLength(1);
    stage.release(1, 1);
    expect(stage.outcomes(2)).toEqual(["failed 1 FLOCK_DATA_LOST of data-1-1"]);

    const other = kept().stage;
    other.client(2);
    other.worker(2);
    other.say(1, other.submission(2, { deps: [1], key: "shared" }));
    other.say(2, other.submission(1, { key: "shared" }));
    other.lose(1);
    other.speakable.delete("c1");
    other.step({ e: "clientGone", session: 1 as SessionId });
    expect(other.outcomes(2)).toEqual(["failed 1 FLOCK_DATA_LOST of data-1-1"]);
    expect(other.leftOver()).toEqual([]);
  });

  it("when its client let go of it before anybody needed it again", () => {
    const { stage } = kept();
    stage.client(2);
    stage.say(1, stage.submission(2, { deps: [1], key: "shared" }));
    stage.store(1, stage.assigned(1)[0]!);
    stage.worker(2);
    stage.say(2, stage.submission(1, { key: "shared" }));
    stage.release(1, 1, 2);
    stage.lose(1);
    stage.locate(2, 1);
    expect(stage.outcomes(2).at(-1)).toBe("failed 1 FLOCK_DATA_LOST of data-1-1");
  });
});

describe("data that is lost", () => {
  it("is not waited for when it is set free: nothing of it runs", () => {
    const { stage } = kept();
    stage.lose(1);
    stage.say(1, { t: "ask", id: 1, question: { q: "fireAndForget", ns: [1 as never] } });
    stage.release(1, 1);
    expect(stage.leftOver()).toEqual([]);
  });

  it("is expected no more by a worker whose answer to an older request came late", () => {
    const { stage, data } = kept();
    stage.worker(2);
    stage.submit(1, 2, { deps: [1] });
    stage.lose(1);
    expect(expected(stage, 2)).toBe(data);
    stage.tell(2, { t: "notHeld", task: data, message: "no holder could be reached", code: null });
    expect(stage.take(2, "drop")).toEqual([{ t: "drop", task: data }]);
  });
});
