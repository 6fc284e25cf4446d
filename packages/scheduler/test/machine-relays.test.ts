import type { Holder, TaskNumber, WhyMissing } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { Stage } from "./machine-stage.ts";

const HOUR_US = 3_600_000_000;

/** Worker 1 holds the result of task 1, of 5000 bytes. */
function stageWithResult(): { stage: Stage; task: never } {
  const stage = new Stage();
  stage.client();
  stage.worker(1);
  stage.submit(1, 1);
  const [made] = stage.assigned(1);
  stage.store(1, made!, 5000, 7);
  return { stage, task: made!.task as never };
}

function missing(stage: Stage, reader: number, task: never, why: WhyMissing): void {
  stage.tell(reader, { t: "missing", task, holder: 1 as never, version: 7, why });
}

function unavailable(stage: Stage, why: WhyMissing): void {
  stage.say(1, { t: "unavailable", n: 1 as TaskNumber, holder: 1 as never, version: 7, why });
}

const addresses = (holders: readonly Holder[] | undefined): string[] => (holders ?? []).map(({ address }) => address);

/** What clients hear next of where task 1 is. */
function located(stage: Stage): string[] {
  const message = stage.told().at(-1);
  return message?.t === "located" ? addresses(message.holders) : [];
}

/** Where worker 2 is told to get copies from. */
function acquired(stage: Stage): string[][] {
  return stage.take(2, "acquire").map((m) => (m.t === "acquire" ? addresses(m.holders) : []));
}

describe("a holder that a worker cannot reach", () => {
  it("keeps what it holds, and is named by way of the scheduler to that worker only", () => {
    const { stage, task } = stageWithResult();
    stage.worker(2);
    stage.worker(3);
    stage.options(1, 1, { workers: ["w2"], allowOtherWorkers: false });
    stage.options(1, 2, { workers: ["w3"], allowOtherWorkers: false });
    stage.submit(1, 2, { deps: [1], options: 1 });
    const [reader] = stage.assigned(2);
    expect(addresses(reader!.inputs[0]?.holders)).toEqual(["h:1"]);
    missing(stage, 2, task, "unreachable");
    stage.stopped(2, reader!.task, reader!.attempt, "input");
    expect(stage.take(1, "drop")).toEqual([]);
    const [again] = stage.assigned(2);
    expect(again!.inputs[0]?.holders).toEqual([{ worker: 1, address: "relay:key1", version: 7 }]);
    stage.submit(1, 3, { deps: [1], options: 2 });
    expect(addresses(stage.assigned(3)[0]?.inputs[0]?.holders)).toEqual(["h:1"]);
    stage.locate(1, 1);
    expect(located(stage)).toEqual(["h:1"]);
  });

  it("is tried directly again after a while", () => {
    const { stage, task } = stageWithResult();
    stage.worker(2);
    stage.options(1, 1, { workers: ["w2"], allowOtherWorkers: false });
    missing(stage, 2, task, "unreachable");
    stage.submit(1, 2, { deps: [1], options: 1 });
    expect(addresses(stage.assigned(2)[0]?.inputs[0]?.holders)).toEqual(["relay:key1"]);
    stage.pass(HOUR_US);
    stage.submit(1, 3, { deps: [1], options: 1 });
    expect(addresses(stage.assigned(2)[0]?.inputs[0]?.holders)).toEqual(["h:1"]);
  });

  it("has lost it when it does not give it by way of the scheduler, either, or says that it is gone", () => {
    for (const why of ["relay", "gone"] as const) {
      const { stage, task } = stageWithResult();
      stage.worker(2);
      missing(stage, 2, task, "unreachable");
      expect(stage.take(1, "drop")).toEqual([]);
      missing(stage, 2, task, why);
      expect(stage.take(1, "drop")).toHaveLength(1);
      expect([...stage.assigned(1), ...stage.assigned(2)].map(({ attempt }) => attempt)).toEqual([2]);
    }
  });

  it("does not count against the task, however many inputs are out of reach", () => {
    const stage = new Stage();
    stage.client();
    const makers = Array.from({ length: 30 }, (_, i) => i + 1);
    for (const i of makers) {
      stage.worker(i);
      stage.options(1, i, { workers: [`w${i}`], allowOtherWorkers: false });
      stage.submit(1, i, { options: i });
      stage.store(i, stage.assigned(i)[0]!, 5000, 1);
    }
    stage.worker(50);
    stage.options(1, 50, { workers: ["w50"], allowOtherWorkers: false });
    stage.submit(1, 50, { deps: makers, options: 50 });
    for (const _ of makers) {
      const [reader] = stage.assigned(50);
      const direct = reader!.inputs.find(({ holders }) => holders[0]!.address.startsWith("h:"))!;
      const [{ worker, version }] = direct.holders as [Holder];
      stage.tell(50, { t: "missing", task: direct.task, holder: worker, version, why: "unreachable" });
      stage.stopped(50, reader!.task, reader!.attempt, "input");
    }
    const [last] = stage.assigned(50);
    expect(last!.inputs.every(({ holders }) => holders[0]!.address.startsWith("relay:"))).toBe(true);
    stage.finish(50, last!);
    expect(stage.outcomes().at(-1)).toBe("done 50");
  });

  it("gives a copy by way of the scheduler before it leaves", () => {
    const { stage, task } = stageWithResult();
    stage.worker(2);
    stage.step({ e: "retireWorkers", workers: ["w1"] });
    const [first] = acquired(stage);
    expect(first).toEqual(["h:1"]);
    missing(stage, 2, task, "unreachable");
    stage.tell(2, { t: "notHeld", task, message: "no holder could be reached", code: null });
    const [second] = acquired(stage);
    expect(second).toEqual(["relay:key1"]);
    stage.tell(2, { t: "held", task, bytes: 5000, version: 1 });
    expect(stage.take(1, "leave")).toHaveLength(1);
  });
});

describe("a holder that a client cannot reach", () => {
  it("is named by way of the scheduler; what is gone all the same is made again", () => {
    const { stage } = stageWithResult();
    stage.locate(1, 1);
    expect(located(stage)).toEqual(["h:1"]);
    unavailable(stage, "unreachable");
    expect(located(stage)).toEqual(["relay:key1"]);
    unavailable(stage, "relay");
    expect(stage.take(1, "drop")).toHaveLength(1);
    expect(stage.assigned(1)[0]?.attempt).toBe(2);
  });

  it("gets its data by way of the scheduler; the others, that got theirs, are not asked again", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.worker(2);
    stage.scatter(1, 1, 1_000_000, { broadcast: true });
    const uploads = (): string[][] => stage.told().flatMap((m) => (m.t === "uploadTo" ? [addresses(m.holders)] : []));
    expect(uploads()).toEqual([["h:1", "h:2"]]);
    const [expected] = stage.take(1, "expect");
    const task = (expected?.t === "expect" ? expected.task : 0) as never;
    stage.tell(2, { t: "held", task, bytes: 1_000_000, version: 1 });
    stage.say(1, { t: "unavailable", n: 1 as TaskNumber, holder: 1 as never, version: 0, why: "unreachable" });
    expect(uploads()).toEqual([["relay:key1"]]);
    stage.tell(1, { t: "held", task, bytes: 1_000_000, version: 1 });
    expect(stage.outcomes()).toEqual(["done 1"]);
  });
});

it("who is behind an address translation and says so is never tried directly", () => {
  const stage = new Stage();
  stage.client();
  stage.worker(1, { peerAddress: "" });
  stage.submit(1, 1);
  stage.store(1, stage.assigned(1)[0]!, 5000, 7);
  stage.locate(1, 1);
  expect(located(stage)).toEqual(["relay:key1"]);
});
