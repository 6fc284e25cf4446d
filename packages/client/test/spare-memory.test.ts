import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { SpareMemory } from "../src/spare-memory.ts";

const MIB = 1024 * 1024;

afterEach(() => {
  vi.useRealTimers();
});

describe("spare memory", () => {
  test("is used again once it was given back, and not before", () => {
    const spare = new SpareMemory();
    const first = spare.take(3 * MIB);
    const second = spare.take(3 * MIB);
    expect(second.buffer).not.toBe(first.buffer);
    spare.give(first);
    expect(spare.bytes).toBe(3 * MIB);
    const third = spare.take(2 * MIB);
    expect(third.buffer).toBe(first.buffer);
    expect(third.length).toBe(2 * MIB);
    expect(spare.bytes).toBe(0);
    spare.give(second);
    spare.give(third);
    spare.give(third);
    expect(spare.bytes).toBe(6 * MIB);
    spare.clear();
    expect(spare.bytes).toBe(0);
  });

  test("is never memory of others", () => {
    const spare = new SpareMemory();
    spare.give(new Uint8Array(8 * MIB));
    expect(spare.bytes).toBe(0);
  });

  test("goes some time after its last use", () => {
    vi.useFakeTimers();
    const spare = new SpareMemory();
    spare.give(spare.take(4 * MIB));
    vi.advanceTimersByTime(9_000);
    spare.give(spare.take(4 * MIB));
    vi.advanceTimersByTime(9_000);
    expect(spare.bytes).toBe(4 * MIB);
    vi.advanceTimersByTime(2_000);
    expect(spare.bytes).toBe(0);
  });

  test("is bounded, never in two hands, and as long as was asked for (property)", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 40 * MIB })), { maxLength: 40 }),
        (steps) => {
          const spare = new SpareMemory();
          const held: Uint8Array[] = [];
          for (const [take, bytes] of steps) {
            if (take) {
              const memory = spare.take(bytes);
              expect(memory.length).toBe(bytes);
              expect(held.some(({ buffer }) => buffer === memory.buffer)).toBe(false);
              held.push(memory);
            } else if (held.length > 0) spare.give(held.splice(bytes % held.length, 1)[0]!);
            expect(spare.bytes).toBeLessThanOrEqual(64 * MIB);
          }
          spare.clear();
        },
      ),
      { seed: 7, numRuns: 100 },
    );
  });
});
