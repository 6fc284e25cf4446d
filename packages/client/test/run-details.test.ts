// What runs tell those who watch: in few messages, never too much, and never at the cost of the run.

import { DETAIL_ENTRIES, DETAIL_UNITS, type DetailEntry, detailUnits } from "@taskflock/protocol";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RunDetailSender } from "../src/run-details.ts";
import { RunTable } from "../src/runs.ts";

const remark = (text: string): DetailEntry => ({ e: "remark", trial: -1, text });
const texts = (entries: readonly DetailEntry[]): string[] => entries.map((entry) => (entry as { text: string }).text);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("details of a run", () => {
  it("are told at once, then at most ten times a second, in their order", () => {
    const sent: string[][] = [];
    const sender = new RunDetailSender((entries) => sent.push(texts(entries)));
    sender.tell([remark("first")]);
    vi.advanceTimersByTime(1);
    expect(sent).toEqual([["first"]]);
    for (let ms = 0; ms < 1000; ms += 5) {
      sender.tell([remark(`${ms}`)]);
      vi.advanceTimersByTime(5);
    }
    expect(sent.length).toBeGreaterThan(8);
    expect(sent.length).toBeLessThanOrEqual(11);
    sender.flush();
    expect(sent.flat()).toEqual(["first", ...Array.from({ length: 200 }, (_, i) => `${5 * i}`)]);
    vi.advanceTimersByTime(1000);
    expect(sent.flat()).toHaveLength(201);
  });

  it("keep to the size of a message, and what waits keeps to a bound; the first entry always arrives", () => {
    const sent: (readonly DetailEntry[])[] = [];
    const sender = new RunDetailSender((entries) => sent.push(entries));
    for (let i = 0; i < 5000; i++) sender.tell([remark(`${i} ${"x".repeat(2000)}`)]);
    for (let i = 0; i < 1000; i++) sender.tell([remark("")]);
    sender.flush();
    for (const entries of sent) {
      expect(detailUnits(entries)).toBeLessThanOrEqual(DETAIL_UNITS);
      expect(entries.length).toBeLessThanOrEqual(DETAIL_ENTRIES);
    }
    const all = texts(sent.flat());
    expect(all[0]).toMatch(/^0 /);
    expect(all[1]).not.toMatch(/^1 /);
    expect(all.filter((text) => text.startsWith("4999 "))).toHaveLength(1);
    expect(all.slice(-1000)).toEqual(new Array(1000).fill(""));
  });

  it("leave out what is not well-formed, and survive a connection that takes nothing", () => {
    const sent: string[][] = [];
    const sender = new RunDetailSender((entries) => sent.push(texts(entries)));
    sender.tell([remark("x".repeat(100_000)), { e: "what" } as never, remark("fine")]);
    sender.flush();
    expect(sent).toEqual([["fine"]]);
    const broken = new RunDetailSender(() => {
      throw new Error("closed");
    });
    broken.tell([remark("lost")]);
    expect(() => vi.advanceTimersByTime(200)).not.toThrow();
    expect(() => broken.flush()).not.toThrow();
  });

  it("are all sent before the run closes, and none after", () => {
    const sent: string[] = [];
    const run = new RunTable({ send: (message) => sent.push(message.t) }).start("search", {});
    run.details([remark("one")]);
    run.close();
    run.details([remark("too late")]);
    vi.advanceTimersByTime(1000);
    expect(sent).toEqual(["openRun", "runDetails", "reportRun", "closeRun"]);
  });
});
