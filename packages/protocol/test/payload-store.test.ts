import fc from "fast-check";
import { expect, test } from "vitest";
import { type PayloadRef, PayloadStore } from "../src/index.ts";

test("keeps what was put until it is freed, whatever comes between", () => {
  const size = fc.oneof(fc.nat(40), fc.nat(300), fc.nat(5000), fc.constantFrom(16, 17, 4096, 4097, 70_000));
  fc.assert(
    fc.property(
      fc.array(fc.record({ size, fill: fc.nat(255), free: fc.boolean(), pick: fc.nat() }), { maxLength: 200 }),
      (steps) => {
        const store = new PayloadStore();
        const kept: { ref: PayloadRef; bytes: Uint8Array }[] = [];
        for (const step of steps) {
          if (step.free && kept.length > 0) {
            const [one] = kept.splice(step.pick % kept.length, 1);
            store.free(one!.ref);
            expect(() => store.get(one!.ref)).toThrow(/not kept/);
            expect(() => store.free(one!.ref)).toThrow(/not kept/);
            continue;
          }
          const bytes = new Uint8Array(step.size).fill(step.fill);
          const ref = store.put(bytes);
          expect(ref).toBeGreaterThan(0);
          kept.push({ ref, bytes });
        }
        for (const { ref, bytes } of kept) {
          expect(store.get(ref)).toEqual(bytes);
          expect(store.read(ref, (memory, start, end) => memory.slice(start, end))).toEqual(bytes);
          expect(store.sizeOf(ref)).toBe(bytes.length);
          const copy = new Uint8Array(bytes.length + 3);
          store.copyInto(ref, copy, 2);
          expect(copy.subarray(2, 2 + bytes.length)).toEqual(bytes);
        }
        expect(store.count).toBe(kept.length);
        expect(store.bytes).toBe(kept.reduce((sum, one) => sum + one.bytes.length, 0));
      },
    ),
    { seed: 11, numRuns: 200 },
  );
});

test("copies, so that the source may change", () => {
  const store = new PayloadStore();
  const source = Uint8Array.of(1, 2, 3);
  const ref = store.put(source);
  source.fill(0);
  expect([...store.get(ref)]).toEqual([1, 2, 3]);
});

test("an unknown reference is a defect that is told", () => {
  const store = new PayloadStore();
  for (const ref of [0, -1, 1, 99_999, 1.5, Number.NaN]) expect(() => store.get(ref as PayloadRef)).toThrow(/not kept/);
});

test("fills and empties many pages, and uses them again", () => {
  const store = new PayloadStore();
  const bytes = new Uint8Array(10);
  for (let round = 0; round < 3; round++) {
    const refs = Array.from({ length: 50_000 }, () => store.put(bytes));
    expect(new Set(refs).size).toBe(50_000);
    expect(Math.max(...refs)).toBeLessThan(80_000);
    for (const ref of refs) store.free(ref);
    expect(store.count).toBe(0);
  }
});
