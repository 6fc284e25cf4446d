// However large the cluster is and whatever it does: a message has its bound, and says what it leaves out.

import {
  type FeedMessage,
  type FeedWish,
  feedTopics,
  PAGE_SPANS,
  type PageOverview,
  type RunId,
} from "@taskflock/protocol/words";
import { expect, test } from "vitest";
import { budget, MAX_MESSAGE_BYTES } from "../../server/feed/budget.ts";
import { FeedState } from "../../server/feed/feed-state.ts";
import { manySpans, overviewOf, runOf, spansOf, workerOf } from "./fakes.ts";

const everything: FeedWish = { topics: feedTopics, run: 0, paused: false };
const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
const long = "ü".repeat(500);

function say(state: FeedState, isFresh: boolean): { readonly bytes: number; readonly message: FeedMessage } {
  state.begin();
  const text = state.message(everything, isFresh);
  return { bytes: Buffer.byteLength(text), message: JSON.parse(text) };
}

function largeOverview(names: string, some: Partial<PageOverview> = {}): PageOverview {
  const counts = { waiting: 9, queued: 99, active: 999, done: 99_999, failed: 9, cancelled: 9 };
  return overviewOf({
    runs: numbers(100).map((run) => runOf({ run, name: `${names} ${run}`, client: names, startedAt: 1e12 })),
    functions: numbers(100).map((fn) => ({ fn, name: `${names} ${fn}`, ...counts, spentUs: 1e12, medianUs: 12_345 })),
    queues: numbers(20).map((line) => ({ asks: `${names} ${line}`, queued: 9, places: 9, running: 9 })),
    ...some,
  });
}

function fill(state: FeedState, names: string): void {
  for (let second = 0; second < 700; second++) {
    state.overviewCame(overviewOf({ now: second * 1e6, ended: second * 1e5 }), 1.7e12 + second * 1000, 1);
  }
  state.overviewCame(largeOverview(names, { now: 700e6, ended: 700e5 }), 1.7e12 + 700e3, 1);
  state.spans.add(manySpans(1e9, PAGE_SPANS));
  const all = numbers(4096);
  const running = { task: all, fn: all, worker: all, startedAt: all.map((one) => 1e12 + one) };
  const sums = numbers(16_384);
  const skipped = { worker: sums, fn: sums, count: sums.map(() => 123_456), us: sums.map(() => 1e12) };
  const functionNames = Object.fromEntries(all.map((fn) => [fn, `${names} ${fn}`]));
  state.spans.add(
    spansOf({ running, skipped, names: functionNames, runningKeys: all.map((one) => `${names}-${one}`) }),
  );
  state.workers.update({
    now: 1,
    workers: numbers(1000).map((worker) => workerOf(worker, { name: `${names}-${worker}` })),
  });
  const pair = { from: names, to: names, bytes: 1e12, count: 1e6, us: 1e12, failures: 3 };
  const recent = { endedAt: 1e12, from: names, to: names, key: names, bytes: 1e9, us: 1e6 };
  state.transfersCame({
    now: 1,
    pairs: numbers(1000).map(() => pair),
    recent: numbers(200).map(() => recent),
    totalBytes: 1,
  });
  const event = { at: 1e12, cause: 5, kind: "note", who: names, key: names, text: names } as const;
  state.events.add(
    numbers(2000).map((seq) => ({ ...event, seq })),
    7,
  );
  const line = { at: 1e12, worker: names, key: names, run: names, stream: "stdout", text: names.repeat(9) } as const;
  state.logs.add(
    numbers(2000).map((seq) => ({ ...line, seq })),
    0,
  );
  const entry = { e: "remark", trial: -1, text: names } as const;
  state.details.add(
    numbers(5000).map((seq) => ({ seq, at: 1, run: (seq % 3) as RunId, entry })),
    0,
  );
}

test("1,000 workers, 100 runs, 8,192 spans: all workers, all spans, ten minutes; under the bound", () => {
  const state = new FeedState();
  fill(state, "a-name");
  const { bytes, message } = say(state, true);
  expect(bytes).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
  expect(MAX_MESSAGE_BYTES).toBeLessThan(2 * 1024 * 1024);
  expect(message.workers?.added).toHaveLength(1000);
  expect(message.workers?.rows).toHaveLength(1000);
  expect(message.spans?.task).toHaveLength(PAGE_SPANS);
  expect(message.spans?.task.at(-1)).toBe(1e9 + PAGE_SPANS - 1);
  expect(message.points).toHaveLength(600);
  expect(message.overview.runs).toHaveLength(100);
});

test.each([true, false])("names without end, more of everything than there is room for (fresh: %s)", (isFresh) => {
  const state = new FeedState();
  fill(state, long);
  const { bytes, message } = say(state, isFresh);
  expect(bytes).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
  expect(message.events?.items.at(-1)?.seq).toBe(2000);
  expect(message.logs?.items.at(-1)?.seq).toBe(2000);
  expect(message.details?.items.at(-1)?.seq).toBe(5000);
  expect(message.overview.runCount).toBe(0);
  expect(message.overview.runs.length).toBeGreaterThan(0);
  const columns = [message.spans?.task, message.spans?.fn, message.spans?.end, message.spans?.durationUs];
  expect(new Set(columns.map((column) => column?.length)).size).toBe(1);
});

test("what is left out is counted", () => {
  const state = new FeedState();
  state.overviewCame(overviewOf(), 1, 1);
  const line = { at: 1, worker: "w", key: "k", run: "r", stream: "stdout", text: "x".repeat(2000) } as const;
  state.logs.add(
    numbers(300).map((seq) => ({ ...line, seq })),
    11,
  );
  const { logs } = say(state, false).message;
  expect(logs?.items.at(-1)?.seq).toBe(300);
  expect(logs?.missed).toBe(11 + 300 - (logs?.items.length ?? 0));
  state.settle();
  expect(say(state, false).message.logs).toBeUndefined();
});

test("a line that is very long is cut", () => {
  const state = new FeedState();
  const line = { seq: 1, at: 1, worker: "w", key: "k", run: "r", stream: "stdout", text: "x".repeat(1e6) } as const;
  state.logs.add([line], 0);
  expect(say(state, true).message.logs?.items[0]?.text).toHaveLength(4097);
});

test("details of one run only, for a page that wishes that", () => {
  const state = new FeedState();
  const entry = { e: "remark", trial: -1, text: "done" } as const;
  state.details.add(
    numbers(9).map((seq) => ({ seq, at: 1, run: (seq % 3) as RunId, entry })),
    0,
  );
  state.begin();
  const { details } = JSON.parse(state.message({ topics: ["details"], run: 2, paused: false }, true)) as FeedMessage;
  expect(details?.items.map(({ seq }) => seq)).toEqual([2, 5, 8]);
});

test("sums of attempts that are not told one by one come when they change", () => {
  const state = new FeedState();
  const skipped = { worker: [1, 2], fn: [7, 7], count: [10, 20], us: [100, 200] };
  state.spans.add(spansOf({ skipped }));
  expect(say(state, false).message.spans?.skipped).toEqual(skipped);
  state.settle();
  state.spans.add(spansOf({ skipped: { ...skipped, count: [10, 30] } }));
  const changed = { worker: [2], fn: [7], count: [30], us: [200] };
  expect(say(state, false).message.spans?.skipped).toEqual(changed);
  expect(say(state, true).message.spans?.skipped.worker).toHaveLength(2);
});

test("what is kept stays bounded while workers and functions come and go", () => {
  const state = new FeedState();
  for (let round = 0; round < 12; round++) {
    const worker = numbers(5000).map((one) => round * 5000 + one);
    const names = Object.fromEntries(numbers(500).map((fn) => [round * 500 + fn, "f"]));
    const ones = worker.map(() => 1);
    state.spans.add(spansOf({ skipped: { worker, fn: ones, count: ones, us: ones }, names }));
    state.settle();
  }
  const { skipped, names } = say(state, true).message.spans!;
  expect(skipped.worker.at(-1)).toBe(60_000);
  expect(skipped.worker.length).toBeLessThanOrEqual(20_000);
  expect(Object.keys(names).length).toBeLessThanOrEqual(1500);
});

test("the budget is what the parts are held to", () => {
  const state = new FeedState();
  fill(state, long);
  const { message } = say(state, true);
  expect(Buffer.byteLength(JSON.stringify(message.overview))).toBeLessThanOrEqual(budget.overview);
  expect(Buffer.byteLength(JSON.stringify(message.workers))).toBeLessThanOrEqual(budget.workers);
  expect(Buffer.byteLength(JSON.stringify(message.transfers))).toBeLessThanOrEqual(budget.transfers);
});
