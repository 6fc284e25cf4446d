import type { Answer, LogEntry, LogFilter, WatchQuestion } from "@taskflock/protocol/words";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_WAITING } from "../src/machine/answers.ts";
import { EventLog } from "../src/machine/event-log.ts";
import { LogStore } from "../src/machine/log-store.ts";
import { Stage } from "./machine-stage.ts";

const any: LogFilter = { worker: "", key: "", run: "" };

function ask(stage: Stage, question: WatchQuestion, id = 1, client = 1): void {
  stage.say(client, { t: "ask", id, question });
}

function events(since = 0, wait = false): WatchQuestion {
  return { q: "events", since, limit: 100, wait };
}

describe("events", () => {
  it("tell who came and went, with the cause that stories have", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.submit(1, 1);
    stage.lose(1);
    stage.told();
    ask(stage, events());
    const kinds = ["clientJoined", "workerJoined", "workerLost"];
    const [answer] = stage.told() as unknown as [{ value: { items: { kind: string; cause: number }[] } }];
    expect(answer.value.items.map(({ kind }) => kind)).toEqual(kinds);
    ask(stage, { q: "dump", section: "story", from: 0, limit: 100 }, 2);
    const [story] = stage.told() as unknown as [{ value: { items: { detail: string; cause: number }[] } }];
    const again = story.value.items.find(({ detail }) => detail.includes("was lost"));
    expect(again?.cause).toBe(answer.value.items[2]?.cause);
  });

  it("a question that waits is answered by the next one, once", () => {
    const stage = new Stage();
    stage.client();
    ask(stage, events(1, true));
    ask(stage, events(1, true)); // once more, after a cut
    expect(stage.told()).toEqual([]);
    stage.worker(1);
    expect(stage.told()).toMatchObject([{ id: 1, value: { items: [{ seq: 2, kind: "workerJoined", who: "w1" }] } }]);
    stage.worker(2);
    expect(stage.told()).toEqual([]);
  });

  it("who waits for too much at a time is refused, and nobody else", () => {
    const stage = new Stage();
    stage.client();
    stage.client(2);
    const count = MAX_WAITING + 1;
    for (let id = 1; id <= count; id++) {
      ask(stage, events(9, true), id);
      stage.say(1, { t: "ask", id: count + id, question: { q: "waitForWorkers", count: 9 } });
      stage.say(1, { t: "ask", id: 2 * count + id, question: { q: "waitForNamed", workers: ["w9"] } });
    }
    ask(stage, events(9, true), 1); // once more, after a cut
    const refused = stage.told() as Answer[];
    expect(refused.map(({ id, error }) => [id, error?.code])).toEqual(
      [1, 2, 3].map((times) => [times * count, "FLOCK_WAITS_FULL"]),
    );
    ask(stage, events(9, true), 1, 2);
    expect(stage.told(2)).toEqual([]);
  });

  it("who waits and leaves is forgotten", () => {
    const stage = new Stage();
    stage.client();
    stage.client(2);
    ask(stage, events(2, true), 1, 2);
    stage.speakable.delete("c2");
    stage.step({ e: "clientGone", session: 2 as never });
    stage.worker(1);
    expect(stage.told(2)).toEqual([]);
  });

  it("a note is one", () => {
    const stage = new Stage();
    stage.client();
    ask(stage, { q: "note", text: "phase two" });
    ask(stage, events(1), 2);
    expect(stage.told()[1]).toMatchObject({ value: { items: [{ kind: "note", who: "client-1", text: "phase two" }] } });
  });

  it("the oldest are forgotten, and that is said", () => {
    const log = new EventLog(3);
    for (let at = 1; at <= 5; at++) log.add(at as never, at as never, "note", "me", `${at}`);
    expect(log.since(0, 10).map(({ text }) => text)).toEqual(["3", "4", "5"]);
    expect(log.since(3, 1).map(({ text }) => text)).toEqual(["4"]);
    expect([log.missedSince(0), log.missedSince(1), log.missedSince(2), log.missedSince(5)]).toEqual([2, 1, 0, 0]);
  });
});

describe("printed lines", () => {
  it("are found by task, worker and run; those of a worker's own have no key", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.say(1, { t: "openRun", run: 1 as never, name: "search", weight: 1, steps: 0, keepMs: null });
    stage.submit(1, 1, { run: 1 });
    const [{ task, attempt }] = stage.assigned(1) as unknown as [{ task: never; attempt: never }];
    stage.tell(1, { t: "log", task, attempt, stream: "stdout", text: "hello\n" });
    stage.tell(1, { t: "log", task: 0 as never, attempt: 1 as never, stream: "stderr", text: "INFO worker joined" });
    stage.told();
    const found = (filter: Partial<LogFilter>): string[] => {
      ask(stage, { q: "logs", filter: { ...any, ...filter }, since: 0, limit: 10, wait: false });
      const [answer] = stage.told() as unknown as [{ value: { items: LogEntry[] } }];
      return answer.value.items.map(({ text }) => text);
    };
    expect(found({})).toEqual(["hello\n", "INFO worker joined"]);
    expect(found({ key: "f-1-1" })).toEqual(["hello\n"]);
    expect(found({ run: "search", worker: "w1" })).toEqual(["hello\n"]);
    expect(found({ worker: "w2" })).toEqual([]);
  });

  it("keep to their bound, and give every line once, page by page", () => {
    const line = fc.record({ text: fc.string({ maxLength: 200 }), worker: fc.constantFrom("a", "b") });
    fc.assert(
      fc.property(fc.array(line, { maxLength: 300 }), fc.integer({ min: 100, max: 20_000 }), (lines, bound) => {
        const store = new LogStore(bound);
        const all: LogEntry[] = [];
        for (const { text, worker } of lines) {
          const entry = { at: 0, worker, key: "k", run: "r", stream: "stdout", text } as const;
          store.add(entry);
          all.push({ seq: all.length + 1, ...entry });
        }
        const units = (entries: readonly LogEntry[]): number => entries.reduce((sum, e) => sum + e.text.length + 66, 0);
        const kept = all.slice(all.length - store.size);
        expect(units(kept)).toBeLessThanOrEqual(bound);
        const one = all[all.length - store.size - 1];
        if (one !== undefined) expect(units([one, ...kept])).toBeGreaterThan(bound);
        const read: LogEntry[] = [];
        for (let page = store.since(0, { ...any, worker: "a" }, 7, 500); page.length > 0; ) {
          read.push(...page);
          page = store.since(page.at(-1)!.seq, { ...any, worker: "a" }, 7, 500);
        }
        expect(read).toEqual(kept.filter(({ worker }) => worker === "a"));
        expect(store.missedSince(0)).toBe(all.length - store.size);
      }),
      { numRuns: 100, seed: 7 },
    );
  });
});

describe("a dump", () => {
  it("has every task once, page by page", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    for (let n = 1; n <= 25; n++) stage.submit(1, n, n > 1 ? { deps: [n - 1] } : {});
    stage.release(1, 3);
    stage.told();
    const keys: string[] = [];
    for (let from: number | null = 0; from !== null; ) {
      ask(stage, { q: "dump", section: "tasks", from, limit: 4 });
      const [answer] = stage.told() as unknown as [{ value: { items: { key: string }[]; next: number | null } }];
      keys.push(...answer.value.items.map(({ key }) => key));
      from = answer.value.next;
    }
    expect(keys).toEqual(Array.from({ length: 25 }, (_, i) => `f-1-${i + 1}`));
  });

  it("says how a task failed", () => {
    const stage = new Stage();
    stage.client();
    stage.submit(1, 1, { deps: [9] });
    stage.told();
    ask(stage, { q: "dump", section: "tasks", from: 0, limit: 4 });
    const items = [{ key: "f-1-1", state: "failed", outcome: expect.stringContaining("needs the result of task 9") }];
    expect(stage.told()).toMatchObject([{ value: { items, next: null } }]);
  });
});
