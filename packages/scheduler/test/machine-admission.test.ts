import { submitCost } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { Stage } from "./machine-stage.ts";

/** Of a task with the stage's arguments. */
const COST = submitCost(10);

/** The last that session 1 was told, in tasks. */
function credited(stage: Stage): number | null {
  const said = stage.told(1).filter((m) => m.t === "credit");
  return said.length === 0 ? null : said.at(-1)!.bytes / COST;
}

/** Told of each task. */
function stageWithClient(admissionBytes = 16 * COST): Stage {
  const stage = new Stage({ admissionBytes });
  stage.client(1);
  return stage;
}

describe("admission", () => {
  it("what a task costs comes back when it has ended, however it ends", () => {
    const stage = stageWithClient();
    stage.worker(1);
    for (const n of [1, 2, 3, 4]) stage.submit(1, n);
    stage.submit(1, 5, { deps: [2] });
    expect(credited(stage)).toBeNull();
    const [first, second] = stage.assigned(1);
    stage.finish(1, first!);
    expect(credited(stage)).toBe(1);
    stage.error(1, second!);
    expect(credited(stage)).toBe(3);
    stage.cancel(1, 3);
    expect(credited(stage)).toBe(4);
    stage.release(1, 4);
    expect(credited(stage)).toBe(5);
  });

  it("a client is told in parts of what it may use", () => {
    const stage = stageWithClient(160 * COST);
    for (let n = 1; n <= 25; n++) stage.submit(1, n);
    const heard: (number | null)[] = [];
    for (let n = 1; n <= 25; n++) {
      stage.cancel(1, n);
      heard.push(credited(stage));
    }
    expect(heard.filter((tasks) => tasks !== null)).toEqual([10, 20]);
  });

  it("a submission of which no task comes costs nothing", () => {
    const stage = stageWithClient();
    stage.submit(1, 1, { fn: 9 });
    expect(credited(stage)).toBe(1);
    stage.submit(1, 2, { deps: [77] });
    expect(credited(stage)).toBe(2);
    stage.submit(1, 3, { key: "k", fingerprint: "a" });
    expect(credited(stage)).toBeNull();
    stage.submit(1, 4, { key: "k", fingerprint: "a" });
    expect(credited(stage)).toBe(3);
    stage.submit(1, 5, { key: "k", fingerprint: "b" });
    expect(credited(stage)).toBe(4);
    stage.submit(1, 3);
    expect(credited(stage)).toBe(5);
    stage.scatter(1, 6, 100, { small: true });
    expect(credited(stage)).toBeNull();
  });

  it("a result that is computed again is not credited again", () => {
    const stage = stageWithClient();
    stage.worker(1);
    stage.submit(1, 1);
    stage.store(1, stage.assigned(1)[0]!);
    expect(credited(stage)).toBe(1);
    stage.lose(1);
    stage.worker(2);
    stage.store(2, stage.assigned(2)[0]!);
    expect(credited(stage)).toBeNull();
  });

  it("who shares another's task has its cost back at once; who made it when it has ended", () => {
    const stage = stageWithClient();
    stage.client(2);
    stage.submit(1, 1, { key: "k", fingerprint: "a" });
    stage.submit(2, 1, { key: "k", fingerprint: "a" });
    expect(stage.told(2).filter((m) => m.t === "credit")).toEqual([{ t: "credit", bytes: COST }]);
    stage.release(1, 1);
    expect(credited(stage)).toBeNull();
    stage.cancel(2, 1);
    expect(credited(stage)).toBe(1);
    expect(stage.told(2).filter((m) => m.t === "credit")).toEqual([]);
  });

  it("after a cut all of it is said again, and to who did not read when it reads", () => {
    const stage = stageWithClient();
    for (const n of [1, 2, 3]) stage.submit(1, n);
    stage.cancel(1, 1);
    expect(credited(stage)).toBe(1);
    stage.speakable.delete("c1");
    stage.step({ e: "clientBlocked", session: 1 as never });
    stage.cancel(1, 2);
    stage.speakable.add("c1");
    stage.step({ e: "clientReady", session: 1 as never });
    expect(credited(stage)).toBe(2);
    stage.speakable.delete("c1");
    stage.step({ e: "clientCut", session: 1 as never });
    stage.cancel(1, 3);
    stage.speakable.add("c1");
    stage.step({ e: "clientResumed", session: 1 as never });
    expect(credited(stage)).toBe(3);
    stage.step({ e: "clientCut", session: 1 as never });
    stage.step({ e: "clientResumed", session: 1 as never });
    expect(credited(stage)).toBe(3);
  });
});
