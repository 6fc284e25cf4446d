import type { Why } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { Stage } from "./machine-stage.ts";

const MS = 1000;
const SECOND = 1_000_000;
const GPU = { GPU: 10_000 };

function ask(
  stage: Stage,
  question: object,
  client = 1,
): { value: unknown; error: { code: string; message: string } | null } {
  stage.told(client);
  stage.say(client, { t: "ask", id: 9, question: question as never });
  const answer = stage.told(client).find((m) => m.t === "answer");
  return answer as never;
}

function why(stage: Stage, of: number | string, client = 1): Why {
  const { value, error } = ask(stage, typeof of === "number" ? { q: "why", n: of } : { q: "whyKey", key: of }, client);
  expect(error).toBe(null);
  return value as Why;
}

function newStage(): Stage {
  const stage = new Stage();
  stage.client();
  return stage;
}

function submitMany(stage: Stage, count: number, fields: (n: number) => { deps?: number[] }): void {
  for (let n = 1; n <= count; n += 1000) {
    stage.say(1, ...Array.from({ length: 1000 }, (_, i) => stage.submission(n + i, fields(n + i))));
  }
}

describe("why a task is not there yet", () => {
  it("what is free is saved for a task of higher priority that waits for more", () => {
    const stage = new Stage();
    stage.client();
    stage.options(1, 1, { resources: { GPU: 5_000 } });
    stage.options(1, 2, { resources: GPU, priority: 5 });
    stage.worker(1, { slots: 4, resources: GPU });
    for (const n of [1, 2, 3]) stage.submit(1, n, { options: 1 });
    const [first] = stage.assigned(1);
    stage.submit(1, 4, { options: 2 });
    stage.finish(1, first!);
    const seen = why(stage, 3);
    expect(seen.savedFor).toMatchObject([{ key: "f-1-4", worker: "w1", status: "queued" }]);
    expect(seen.sentences).toContain(
      "What is free is saved for f-1-4 on w1: of a higher priority, and waiting for more.",
    );
    expect(why(stage, 4).savedFor).toEqual([]);
  });

  it("without a worker", () => {
    const stage = newStage();
    stage.options(1, 1, { noWorkerTimeoutMs: 5_000, deadlineMs: 60_000 });
    stage.submit(1, 1, { options: 1 });
    stage.pass(2 * SECOND);
    const seen = why(stage, 1);
    expect(seen.sentences).toEqual([
      "f-1-1 has been queued for 2 s: its inputs are there.",
      "No worker is there: it waits until one joins.",
      "If no such worker joins, it fails in 3 s (noWorkerTimeoutMs).",
      "It fails unless it ends within 58 s (deadlineMs).",
    ]);
    expect(seen.text).toBe(seen.sentences.join("\n"));
    expect(seen).toMatchObject({ key: "f-1-1", status: "queued", client: "client-1", run: "client-1", worker: null });
  });

  it("for a resource that others have now, behind others that came first", () => {
    const stage = newStage();
    stage.options(1, 1, { resources: GPU });
    stage.options(1, 2, { resources: GPU, priority: 5 });
    stage.worker(1, { slots: 4, resources: GPU });
    stage.worker(2, { slots: 4 });
    stage.submit(1, 100, { options: 1 });
    stage.finish(1, stage.assigned(1)[0]!, 4 * SECOND);
    stage.say(1, ...[1, 2, 3].map((n) => stage.submission(n, { options: 1 })));
    stage.started(1, stage.assigned(1)[0]!);
    stage.submit(1, 4, { options: 2 });
    stage.pass(1 * SECOND);
    const seen = why(stage, 3);
    expect(seen.sentences).toEqual([
      "f-1-3 has been queued for 1 s: its inputs are there.",
      "It asks for GPU=1: one worker can run it.",
      "GPU is taken by f-1-1 on w1 (running for 1 s).",
      "1 of 1 slot for such tasks is taken; 2 tasks are before it, 1 of them with a higher priority. It begins in about 12 s, by what calls took so far. f took 4 s on average in 1 call.",
    ]);
    expect(seen.queue).toMatchObject({
      before: 2,
      ofHigherPriority: 1,
      isExact: true,
      slots: 1,
      expectedUs: 12 * SECOND,
    });
    expect(seen.heldBy).toMatchObject([{ key: "f-1-1", worker: "w1", status: "running", forUs: SECOND }]);
    expect(seen.requirement).toMatchObject({ there: 2, able: 1, resources: [{ name: "GPU", amount: 1 }] });
  });

  it("for a resource or a worker that nobody has", () => {
    const stage = newStage();
    stage.options(1, 1, { resources: { GPU: 20_000 }, workers: ["bob"] });
    stage.worker(1, { resources: GPU });
    stage.submit(1, 1, { options: 1 });
    expect(why(stage, 1).sentences[1]).toBe(
      "It asks for GPU=2 and a worker named bob: no worker has GPU=2 (w1 has 1), and no worker named bob is there. It waits until a worker joins that can run it.",
    );
  });

  it("for slots that are shared with other runs", () => {
    const stage = newStage();
    stage.client(2);
    stage.worker(1);
    stage.say(1, ...[1, 2, 3].map((n) => stage.submission(n)));
    stage.submit(2, 1);
    expect(why(stage, 1, 2).sentences[1]).toBe(
      "1 of 1 slot for such tasks is taken; it is the next of its run; slots are shared with 1 other run. No call of f has ended well so far.",
    );
  });

  it("for the time of its next attempt", () => {
    const stage = newStage();
    stage.options(1, 1, { retries: 3, backoffMs: 1000 });
    stage.worker(1);
    stage.submit(1, 1, { options: 1 });
    stage.error(1, stage.assigned(1)[0]!);
    stage.pass(1 * SECOND);
    stage.error(1, stage.assigned(1)[0]!);
    stage.pass(500 * MS);
    const seen = why(stage, 1);
    expect(seen.sentences).toEqual(["f-1-1 waits for its next attempt, in 1.5 s: attempt 2, 2 of 3 retries used."]);
    expect(seen).toMatchObject({ state: "delayed", attempts: { attempt: 2, nextInUs: 1.5 * SECOND } });
  });

  it("for bytes on their way to its worker", () => {
    const stage = newStage();
    stage.options(1, 1, { workers: ["w2"] });
    stage.worker(1);
    stage.worker(2);
    stage.submit(1, 1);
    const [first] = [...stage.assigned(1), ...stage.assigned(2)];
    const holder = 1;
    stage.store(holder, first!, 50_000_000);
    stage.submit(1, 2, { options: 1, deps: [1] });
    expect(why(stage, 2).sentences).toEqual([
      "f-1-2 was given to w2 0 µs ago, and has not begun there.",
      "w2 gets 1 input (50 MB) from w1: about 100 ms.",
    ]);
  });

  it("for a slot of its worker", () => {
    const stage = newStage();
    stage.worker(1);
    stage.say(1, stage.submission(1), stage.submission(2));
    stage.started(1, stage.assigned(1)[0]!);
    expect(why(stage, 2).sentences).toEqual([
      "f-1-2 was given to w1 0 µs ago, and has not begun there.",
      "1 of its 1 slot is taken, and it is the next there.",
    ]);
    stage.cut(1);
    expect(why(stage, 2).sentences[1]).toBe(
      "The link to w1 is cut: it may come back, else the task goes to another worker.",
    );
  });

  it("for an actor that has the resource, and for an actor's other calls", () => {
    const stage = newStage();
    stage.options(1, 1, { isolation: "actor", resources: GPU });
    stage.options(1, 2, { isolation: "call" });
    stage.worker(1, { resources: GPU });
    stage.submit(1, 1, { options: 1 });
    stage.submit(1, 2, { options: 1 });
    const [made] = stage.assigned(1);
    stage.store(1, made!, 0);
    stage.pass(1 * SECOND);
    expect(why(stage, 1).text).toBe("f-1-1 is an actor at w1, made 1 s ago.");
    expect(why(stage, 2).sentences).toEqual([
      "f-1-2 has been queued for 1 s: its inputs are there.",
      "It asks for GPU=1: one worker can run it.",
      "GPU is taken by f-1-1 on w1 (done for 1 s).",
      "It makes an actor, which waits for no slot.",
    ]);
    const calls = Array.from({ length: 20 }, (_, i) => stage.submission(10 + i, { options: 2, deps: [1] }));
    stage.say(1, ...calls);
    expect(why(stage, 29).sentences).toEqual([
      "f-1-29 has been queued for 0 µs: its inputs are there.",
      "It is a call of the actor f-1-1 at w1, which makes one call at a time: 16 of them were given to it, and 3 of the same client are before this one.",
    ]);
    expect(why(stage, 12).text).toBe("f-1-12 was given to w1 0 µs ago, and has not begun there.");
  });

  it("because it is data that nobody takes", () => {
    const stage = newStage();
    stage.scatter(1, 1, 1_000_000);
    expect(why(stage, 1).text).toBe("data-1-1 is data of client-1 that waits to be uploaded: no worker is there.");
  });
});

describe("why a task waits for others", () => {
  it("names the one that really holds it up, and why that is not there", () => {
    const stage = newStage();
    stage.options(1, 1, { workers: ["bob"] });
    stage.worker(1);
    stage.define(1, 2, "load");
    stage.say(
      1,
      stage.submission(1),
      stage.submission(2, { fn: 2, options: 1 }),
      stage.submission(3, { deps: [1, 2] }),
      stage.submission(4, { deps: [3] }),
      stage.submission(5, { deps: [1, 4] }),
    );
    stage.started(1, stage.assigned(1)[0]!);
    const seen = why(stage, 5);
    expect(seen.sentences).toEqual([
      "f-1-5 waits for all of its 2 inputs: 1 running, 1 waiting (f-1-1, f-1-4).",
      "What holds it up is 3 calls before it:",
      "load-1-2 has been queued for 0 µs: its inputs are there.",
      "It asks for a worker named bob: no worker named bob is there. It waits until a worker joins that can run it.",
    ]);
    expect(seen.inputs).toMatchObject({ total: 2, missing: 2, heldUpBy: { key: "load-1-2", depth: 3 }, isWhole: true });
  });

  it("also when it was sent ahead to where its inputs are made", () => {
    const stage = newStage();
    stage.worker(1);
    stage.say(1, stage.submission(1), stage.submission(2, { deps: [1] }));
    stage.started(1, stage.assigned(1)[0]!);
    stage.pass(3 * SECOND);
    expect(why(stage, 2).sentences).toEqual([
      "f-1-2 was sent to w1 ahead, and begins there once its inputs are made: it waits for its input: 1 running (f-1-1).",
      "1 of its 1 slot is taken, and it is the next there.",
      "f-1-1 has been running on w1 for 3 s. No call of f has ended well so far.",
    ]);
  });

  it("says a few lines of one with 50,000 inputs", () => {
    const stage = newStage();
    stage.check = "none";
    stage.worker(1);
    const inputs = Array.from({ length: 50_000 }, (_, i) => i + 1);
    stage.say(1, ...inputs.map((n) => stage.submission(n)), stage.submission(50_001, { deps: inputs }));
    for (const task of stage.assigned(1)) stage.finish(1, task);
    const seen = why(stage, 50_001);
    expect(seen.sentences.length).toBeLessThan(6);
    expect(JSON.stringify(seen).length).toBeLessThan(5_000);
    expect(seen.inputs!.first).toHaveLength(5);
    expect(seen.inputs!.missing).toBe(50_000 - (seen.inputs!.byStatus.done ?? 0));
  });

  it("goes to the end of a chain of 90,000, and says that it does not go further", () => {
    const stage = newStage();
    stage.check = "none";
    submitMany(stage, 150_000, (n) => (n === 1 ? {} : { deps: [n - 1] }));
    expect(why(stage, 90_000)).toMatchObject({ inputs: { heldUpBy: { key: "f-1-1", depth: 89_999 }, isWhole: true } });
    const far = why(stage, 150_000);
    expect(far.inputs).toMatchObject({ heldUpBy: { depth: 100_000 }, isWhole: false });
    expect(far.sentences).toHaveLength(2);
  });

  it("estimates its place in a line of 200,000", () => {
    const stage = newStage();
    stage.check = "none";
    submitMany(stage, 200_000, () => ({}));
    const { queue } = why(stage, 150_000);
    expect(queue).toMatchObject({ inLine: 200_000, isExact: false });
    expect(Math.abs(queue!.before - 149_999)).toBeLessThan(10);
  });
});

describe("how a task ended", () => {
  it("says where, how long it took, and who has the result", () => {
    const stage = newStage();
    stage.worker(1);
    stage.submit(1, 1);
    const [task] = stage.assigned(1);
    stage.started(1, task!);
    stage.pass(2 * SECOND);
    stage.store(1, task!, 12_000);
    stage.pass(1 * SECOND);
    const seen = why(stage, 1);
    expect(seen.text).toBe("f-1-1 was done 1 s ago on w1, after 2 s of running: its result is at w1 (12 kB).");
    expect(seen.outcome).toMatchObject({ kind: "done", worker: "w1", holders: ["w1"], tookUs: 2 * SECOND });
  });

  it("says the error, and the task that failed first", () => {
    const stage = newStage();
    stage.worker(1);
    stage.say(1, stage.submission(1), stage.submission(2, { deps: [1] }), stage.submission(3));
    stage.error(1, stage.assigned(1)[0]!);
    expect(why(stage, 1).text).toBe("f-1-1 failed 0 µs ago on w1: TypeError: bad");
    expect(why(stage, 2).text).toBe("f-1-2 failed 0 µs ago on w1 because f-1-1 did: TypeError: bad");
    stage.cancel(1, 3);
    expect(why(stage, 3).text).toBe("f-1-3 was cancelled 0 µs ago: no more.");
  });

  it("says that a running one takes longer than usual", () => {
    const stage = newStage();
    stage.worker(1);
    stage.submit(1, 1);
    stage.finish(1, stage.assigned(1)[0]!, 1 * SECOND);
    stage.submit(1, 2);
    stage.started(1, stage.assigned(1)[0]!);
    stage.pass(10 * SECOND);
    expect(why(stage, 2).sentences).toEqual([
      "f-1-2 has been running on w1 for 10 s. f took 1 s on average in 1 call.",
      "That is longer than usual.",
    ]);
  });
});

describe("a key", () => {
  it("finds the tasks of other clients, shared or derived, also released ones that are needed", () => {
    const stage = newStage();
    stage.client(2);
    stage.say(
      1,
      stage.submission(1),
      stage.submission(2, { deps: [1] }),
      stage.submission(3, { key: "fits/a", fingerprint: "x" }),
      { t: "release", n: 1 as never },
    );
    for (const key of ["f-1-1", "f-1-2", "fits/a"]) {
      expect(why(stage, key, 2).key).toBe(key);
      const { value } = ask(stage, { q: "storyOfKey", key }, 2);
      expect((value as { to: string }[])[0]!.to).toMatch(/queued|waiting/);
    }
  });

  it("that nobody has is refused, with those near it, or how keys look", () => {
    const stage = newStage();
    stage.say(1, stage.submission(1), stage.submission(2, { key: "fold-alpha", fingerprint: "x" }));
    const refusal = (key: string) => ask(stage, { q: "whyKey", key }).error;
    expect(refusal("g-1-1")).toMatchObject({
      code: "FLOCK_TASK_UNKNOWN",
      message: 'No task has the key "g-1-1". Near it: "f-1-1". Tasks whose futures were all released are forgotten.',
    });
    expect(refusal("f")!.message).toContain('Near it: "f-1-1"');
    expect(refusal("fold-alhpa")!.message).toContain('Near it: "fold-alpha"');
    expect(refusal("")!.message).toContain("or NAME-SESSION-NUMBER, such as fit-3-17");
    expect(refusal("zzz")!.message).toContain("or NAME-SESSION-NUMBER");
    expect(ask(stage, { q: "storyOfKey", key: "zzz" }).error!.code).toBe("FLOCK_TASK_UNKNOWN");
    expect(ask(stage, { q: "why", n: 77 }).error!.code).toBe("FLOCK_TASK_UNKNOWN");
  });
});
