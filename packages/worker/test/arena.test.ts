import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ARENA_ALIGNMENT, Arena, type Place } from "../src/arena.ts";
import { Store } from "../src/store.ts";

const KIB = 1024;

type Step = { readonly take: number } | { readonly give: number };

const steps = fc.array(
  fc.oneof(
    fc.record({ take: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 100 * KIB })) }),
    fc.record({ give: fc.nat() }),
  ),
  { maxLength: 200 },
);

function play(arena: Arena, todo: readonly Step[], check: (live: readonly Place[]) => void): Place[] {
  const live: Place[] = [];
  for (const step of todo) {
    if ("take" in step) {
      const place = arena.allocate(step.take);
      if (place !== null) live.push(place);
    } else if (live.length > 0) {
      arena.free(live.splice(step.give % live.length, 1)[0]!);
    }
    check(live);
  }
  return live;
}

function rounded(length: number): number {
  return Math.ceil(Math.max(1, length) / ARENA_ALIGNMENT) * ARENA_ALIGNMENT;
}

describe("the arena", () => {
  it("gives places that are aligned, inside their segment, and do not overlap", () => {
    fc.assert(
      fc.property(steps, (todo) => {
        const arena = new Arena({ limitBytes: 1024 * KIB, segmentBytes: 256 * KIB });
        play(arena, todo, (live) => {
          const sorted = [...live].sort((a, b) => a.segment - b.segment || a.offset - b.offset);
          for (const [index, place] of sorted.entries()) {
            expect(place.offset % ARENA_ALIGNMENT).toBe(0);
            expect(arena.view(place).length).toBe(place.length);
            const next = sorted[index + 1];
            if (next?.segment === place.segment)
              expect(place.offset + rounded(place.length)).toBeLessThanOrEqual(next.offset);
          }
          expect(arena.usedBytes).toBe(live.reduce((sum, place) => sum + rounded(place.length), 0));
          expect(arena.bytes).toBeLessThanOrEqual(arena.limitBytes);
        });
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  it("grows together again: after everything is freed, each segment is one stretch", () => {
    fc.assert(
      fc.property(steps, (todo) => {
        const arena = new Arena({ limitBytes: 512 * KIB, segmentBytes: 256 * KIB });
        for (const place of play(arena, todo, () => undefined)) arena.free(place);
        expect(arena.usedBytes).toBe(0);
        const segments = arena.bytes / (256 * KIB);
        for (let i = 0; i < segments; i++) expect(arena.allocate(256 * KIB)).not.toBeNull();
      }),
      { seed: 8, numRuns: 200 },
    );
  });

  it("never gives the same generation twice", () => {
    const arena = new Arena({ limitBytes: 64 * KIB, segmentBytes: 64 * KIB });
    const first = arena.allocate(100)!;
    arena.free(first);
    const second = arena.allocate(100)!;
    expect(second.offset).toBe(first.offset);
    expect(second.generation).not.toBe(first.generation);
  });

  it("takes the smallest stretch that fits", () => {
    const arena = new Arena({ limitBytes: 64 * KIB, segmentBytes: 64 * KIB });
    const [large, , small] = [arena.allocate(8 * KIB)!, arena.allocate(64), arena.allocate(KIB)!, arena.allocate(64)];
    arena.free(large);
    arena.free(small);
    expect(arena.allocate(KIB)!.offset).toBe(small.offset);
  });

  it("makes a segment of its own for what is larger, uses it again, and stays below its limit", () => {
    const arena = new Arena({ limitBytes: 4 * 1024 * KIB, segmentBytes: 64 * KIB });
    const large = arena.allocate(2 * 1024 * KIB)!;
    const bytes = arena.bytes;
    arena.free(large);
    expect(arena.allocate(2 * 1024 * KIB)).not.toBeNull();
    expect(arena.bytes).toBe(bytes);
    expect(arena.allocate(3 * 1024 * KIB)).toBeNull();
  });

  it("refuses to free a place twice", () => {
    const arena = new Arena({ limitBytes: 64 * KIB, segmentBytes: 64 * KIB });
    const place = arena.allocate(10)!;
    arena.free(place);
    expect(() => arena.free(place)).toThrow(/freed twice/);
  });
});

describe("the store", () => {
  const task = 1 as never;

  it("keeps memory while it is leased, also after drop", () => {
    const arena = new Arena({ limitBytes: 64 * KIB, segmentBytes: 64 * KIB });
    const store = new Store(arena);
    store.put(task, arena.allocate(100)!);
    const lease = store.lease(task)!;
    store.drop(task);
    expect(store.lease(task)).toBeNull();
    expect(arena.usedBytes).toBe(128);
    lease.release();
    lease.release();
    expect(arena.usedBytes).toBe(0);
  });

  it("replaces what was there under the task", () => {
    const arena = new Arena({ limitBytes: 64 * KIB, segmentBytes: 64 * KIB });
    const store = new Store(arena);
    store.put(task, arena.allocate(100)!);
    const old = store.lease(task)!;
    const place = arena.allocate(200)!;
    store.put(task, place);
    expect(store.lease(task)!.place).toBe(place);
    old.release();
    expect(arena.usedBytes).toBe(256);
  });
});
