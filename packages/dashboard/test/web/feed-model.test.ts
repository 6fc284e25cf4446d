// The page's model, made from feed messages alone.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyMessage, emptyModel, type Limits, type Model, wallOf } from "../../web/feed/model.ts";
import { SpanRing } from "../../web/feed/span-ring.ts";
import {
  eventOf,
  logOf,
  messageOf,
  messagesOf,
  overviewOf,
  randomOf,
  START_WALL,
  spansOf,
  workerOf,
  workerRowOf,
} from "./messages.ts";

const small: Limits = { spans: 100, points: 5, events: 7, logs: 6, logUnits: 60, details: 4 };

/** A model as plain data, so that two can be compared whatever their rings look like inside. */
function plain(model: Model): unknown {
  const { ring } = model.spans;
  const spans = Array.from({ length: ring.size }, (_, index) => {
    const at = ring.at(ring.first + index);
    return [ring.task[at], ring.fn[at], ring.worker[at], ring.endedAt[at], ring.durationUs[at], ring.end[at]];
  });
  return { ...model, spans: { ...model.spans, ring: spans, version: 0 } };
}

const apply = (messages: Iterable<ReturnType<typeof messageOf>>, from: Model): Model =>
  [...messages].reduce(applyMessage, from);

describe("the model", () => {
  it("after a fresh message is what that message says, whatever came before", () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(40), fc.integer(), (seed, count, other) => {
        const [fresh] = messagesOf(other, 1, 5);
        const after = applyMessage(apply(messagesOf(seed, count, 3), emptyModel(small)), fresh!);
        expect(plain(after)).toEqual(plain(applyMessage(emptyModel(small), fresh!)));
      }),
      { numRuns: 60 },
    );
  });

  it("depends on what came since the last fresh message only", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 60 }), (seed, count) => {
        const all = [...messagesOf(seed, count, 4)];
        const since = all.slice(all.findLastIndex(({ fresh }) => fresh));
        expect(plain(apply(all, emptyModel(small)))).toEqual(plain(apply(since, emptyModel(small))));
      }),
      { numRuns: 60 },
    );
  });

  it("keeps the newest, and no more than its limits", () => {
    const messages = [...messagesOf(11, 400, 3)].map((message, index) => ({ ...message, fresh: index === 0 }));
    const model = apply(messages, emptyModel(small));
    expect(model.spans.ring.size).toBe(100);
    expect(model.points).toHaveLength(5);
    expect(model.events.items).toHaveLength(7);
    expect(model.details.items).toHaveLength(4);
    expect(model.logs.items.length).toBeLessThanOrEqual(6);
    const lastEvents = messages.flatMap(({ events }) => events?.items ?? []).slice(-7);
    expect(model.events.items).toEqual(lastEvents);
  });

  it("bounds lines by their length too, and never keeps a part of one", () => {
    const items = [logOf(1, "a".repeat(50)), logOf(2, "b".repeat(30)), logOf(3, "c".repeat(25))];
    const model = applyMessage(emptyModel(small), messageOf({ logs: { items, missed: 2 } }));
    expect(model.logs.items.map(({ seq }) => seq)).toEqual([2, 3]);
    expect(model.logs.missed).toBe(2);
  });

  it("takes nothing twice, and adds up what was missed", () => {
    const say = (...seqs: number[]) => messageOf({ events: { items: seqs.map((seq) => eventOf(seq)), missed: 1 } });
    const model = apply([say(1, 2), say(2, 3)], emptyModel());
    expect(model.events.items.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(model.events.missed).toBe(2);
  });

  it("leaves parts alone of which a message says nothing", () => {
    const before = apply(messagesOf(5, 30, 3), emptyModel());
    const after = applyMessage(before, messageOf({ seq: 31, overview: overviewOf() }));
    for (const part of ["spans", "workers", "points", "events", "logs", "details", "names"] as const) {
      expect(after[part], part).toBe(before[part]);
    }
  });
});

describe("workers", () => {
  const random = randomOf(1);
  const row = (worker: number, status: number): (number | null)[] => workerRowOf(worker, random).with(1, status);

  it("come with their first row, change by rows, and go", () => {
    const first = { added: [workerOf(1), workerOf(2)], gone: [], rows: [row(1, 0), row(2, 1)] };
    const one = applyMessage(emptyModel(), messageOf({ workers: first }));
    expect([...one.workers.values()].map(({ name, status }) => [name, status])).toEqual([
      ["worker-1", "running"],
      ["worker-2", "paused"],
    ]);
    const cells = [1, 3, 9, 2, 77, 5, 1000, 50, 2000, 0, 1.5, 10, 20, null, null];
    const two = applyMessage(one, messageOf({ workers: { added: [], gone: [2], rows: [cells] } }));
    expect([...two.workers.keys()]).toEqual([1]);
    expect(two.workers.get(1)).toMatchObject({
      ...workerOf(1),
      ...{ status: "cut", assigned: 9, running: 2, finished: 77, storedBytes: 1000, cpuPercent: 50, rssBytes: 2000 },
      ...{ eventLoopDelayMs: 1.5, occupancyUs: 10, silentUs: 20, gpuPercent: null },
    });
    expect(one.workers.get(1)).not.toBe(two.workers.get(1));
  });

  it("of which only a row is known are left out", () => {
    const model = applyMessage(emptyModel(), messageOf({ workers: { added: [], gone: [], rows: [row(9, 0)] } }));
    expect(model.workers.size).toBe(0);
  });
});

it("sums of attempts that are not told one by one stay until they change", () => {
  const said = (fn: number[], count: number[]) => {
    const skipped = { worker: fn.map(() => 1), fn, count, us: count };
    return messageOf({ spans: { ...spansOf(0, 1, 1, randomOf(1)), skipped } });
  };
  const model = [said([1, 2], [10, 20]), said([2], [25]), said([], [])].reduce(applyMessage, emptyModel());
  expect(model.spans.skipped).toEqual({ worker: [1, 1], fn: [1, 2], count: [10, 25], us: [10, 25] });
});

describe("the clock", () => {
  it("does not tremble with the way of each message, and follows when it was set", () => {
    const at = (wall: number) => messageOf({ wall, now: 5_000_000, seq: 2 });
    const one = applyMessage(emptyModel(), at(START_WALL));
    expect(wallOf(one, 5_000_000)).toBe(START_WALL);
    const two = applyMessage(one, at(START_WALL + 40));
    expect(wallOf(two, 6_000_000)).toBe(START_WALL + 1000);
    expect(wallOf(applyMessage(two, at(START_WALL + 5000)), 5_000_000)).toBe(START_WALL + 5000);
  });
});

describe("the ring of spans", () => {
  it("holds the last so many in their order, however they come", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(700), { maxLength: 12 }), fc.integer({ min: 1, max: 3000 }), (sizes, capacity) => {
        const ring = new SpanRing(capacity);
        const all: number[] = [];
        for (const size of sizes) {
          const spans = spansOf(size, 1e6, 3, randomOf(all.length));
          const task = spans.task.map((_, index) => all.length + index);
          all.push(...task);
          ring.push({ ...spans, task });
        }
        const held = Array.from({ length: ring.size }, (_, index) => ring.task[ring.at(ring.first + index)]);
        expect(held).toEqual(all.slice(-capacity));
        expect(ring.next).toBe(all.length);
        expect(ring.task.length).toBeLessThanOrEqual(capacity);
      }),
      { numRuns: 200 },
    );
  });
});
