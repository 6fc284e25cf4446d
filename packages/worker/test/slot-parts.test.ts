import { FlockError, PayloadStore } from "@taskflock/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FunctionLibrary, SeenFunctions } from "../src/function-library.ts";
import { LineLimiter } from "../src/line-limiter.ts";
import { keyOf, type SlotItem, type StoredInput, unpackItems } from "../src/slot/batch.ts";
import { decodeFailure, encodeFailure, failureOf } from "../src/slot/failure.ts";
import { OutboxReader, OutboxWriter, type OutcomeRecord, payloadOf, sharedOutboxMemory } from "../src/slot/outbox.ts";
import { BatchPacker } from "../src/slots/batch-packer.ts";
import { KeptInputs } from "../src/slots/process-executor.ts";

const bytes = fc.uint8Array({ maxLength: 40 });
const id = fc.integer({ min: 0, max: 2 ** 40 });
const segments = new Map([0, 1].map((index) => [index, new SharedArrayBuffer(256)]));
const stored: fc.Arbitrary<StoredInput> = fc.record({
  serial: fc.integer({ min: 1, max: 2 ** 40 }),
  segment: fc.integer({ min: 0, max: 1 }),
  offset: fc.integer({ min: 0, max: 128 }),
  bytes: fc.integer({ min: 0, max: 128 }),
});
const packItem = fc.record({
  assign: fc.record({
    task: id,
    attempt: fc.integer({ min: 1, max: 1000 }),
    key: fc.oneof(fc.string(), fc.string({ unit: "grapheme" })),
  }),
  fn: fc.record({ number: id }),
  functions: fc.array(fc.record({ number: id }), { maxLength: 3 }),
  args: bytes,
  inputs: fc.array(fc.oneof(bytes, stored), { maxLength: 3 }),
});

function argsOf({ batch, argsStart, argsEnd }: SlotItem): Uint8Array {
  return batch.subarray(argsStart, argsEnd);
}

describe("a batch", () => {
  const payloads = new PayloadStore();
  const packer = new BatchPacker(payloads);

  it("has room for any number of items, functions and inputs, before and after one that needs much", () => {
    const inputs = [{ item: 0 }, { item: 0 }];
    for (const [count, argsBytes] of [
      [2000, 3],
      [1, 10_000_000],
      [700, 200],
    ] as const) {
      const args = payloads.put(new Uint8Array(argsBytes).fill(7));
      const assign = { task: 1, attempt: 1, key: "schlüssel", args };
      for (let i = 0; i < count; i++) packer.add({ assign, fn: { number: 1 }, functions: [{ number: i }] }, inputs);
      const items = unpackItems(packer.take(7), segments);
      expect(items.length).toBe(count);
      for (const [i, item] of items.entries()) {
        expect([keyOf(item), argsOf(item).length, argsOf(item).at(-1)]).toEqual(["schlüssel", argsBytes, 7]);
        expect([...item.functions, ...item.inputs.map(({ from }) => from)]).toEqual([i, 0, 0]);
      }
      payloads.free(args);
    }
  });

  it("is unpacked as it was packed", () => {
    fc.assert(
      fc.property(fc.array(packItem, { maxLength: 20 }), (items) => {
        for (const { assign, args, inputs, ...item } of items) {
          const named = inputs.map((input) => (input instanceof Uint8Array ? payloads.put(input) : input));
          packer.add({ ...item, assign: { ...assign, args: payloads.put(args) } }, named);
        }
        const batch = packer.take(7);
        expect(batch).toMatchObject({ count: items.length, inlineLimitBytes: 7 });
        const unpacked = unpackItems(batch, segments);
        expect(
          unpacked.map((item) => [item.task, item.attempt, keyOf(item), item.fn, item.functions, argsOf(item)]),
        ).toEqual(
          items.map(({ assign, fn, functions, args }) => [
            ...[assign.task, assign.attempt, assign.key],
            ...[fn.number, functions.map(({ number }) => number), args],
          ]),
        );
        for (const [index, item] of items.entries()) {
          for (const [at, input] of item.inputs.entries()) {
            const got = unpacked[index]!.inputs[at]!;
            if (input instanceof Uint8Array) {
              expect(got).toEqual({ serial: 0, bytes: input, filed: -1, from: -1 });
              expect(got.bytes.byteOffset % 8).toBe(0);
            } else {
              expect(got.serial).toBe(input.serial);
              expect([got.bytes.buffer, got.bytes.byteOffset, got.bytes.length]).toEqual([
                segments.get(input.segment),
                input.offset,
                input.bytes,
              ]);
            }
          }
        }
      }),
      { seed: 1 },
    );
  });
});

describe("the outbox", () => {
  it("gives each record once, however it is read", () => {
    const memory = sharedOutboxMemory();
    const overflowed: Uint8Array[] = [];
    const writer = new OutboxWriter(memory, (records) => overflowed.push(records));
    const reader = new OutboxReader(memory);
    const got: OutcomeRecord[] = [];
    reader.reset();
    writer.reset();
    expect(writer.writeSmall(0, { a: 1 }, 4096, 12)).toBe(true);
    reader.read((record) => got.push(record));
    expect(writer.writeSmall(1, "x".repeat(5000), 4096, 1)).toBe(false);
    writer.write(2, 1, 99_999, 7, null);
    reader.read((record) => got.push(record));
    reader.read((record) => got.push(record));
    expect(got.map(({ index, kind, durationUs }) => [index, kind, durationUs])).toEqual([
      [0, 0, 12],
      [2, 1, 7],
    ]);
    expect(got[1]!.bytes).toBe(99_999);
    expect(payloadOf(got[1]!)).toEqual(new Uint8Array(0));
    writer.write(3, 2, 2_000_000, 1, new Uint8Array(2_000_000));
    expect(overflowed).toHaveLength(1);
  });
});

describe("failures", () => {
  it("survive the way to the main thread", () => {
    const failure = failureOf(new FlockError("FLOCK_TIMEOUT", "too long"));
    expect(decodeFailure(encodeFailure(failure))).toEqual(failure);
    expect(failure).toMatchObject({ code: "FLOCK_TIMEOUT", retryable: true });
  });

  it("keep messages below 4 KiB of UTF-8, and errors below what a frame takes", () => {
    const failure = failureOf(Object.assign(new Error("ü".repeat(5000)), { big: "x".repeat(1_000_000) }));
    expect(Buffer.byteLength(failure.message)).toBeLessThanOrEqual(4096);
    expect(failure.error.length).toBeLessThan(64 * 1024);
  });

  it("take anything that is thrown", () => {
    fc.assert(
      fc.property(fc.anything(), (thrown) => {
        const failure = failureOf(thrown);
        expect(typeof failure.message).toBe("string");
        expect(failure.error.length).toBeGreaterThan(0);
      }),
      { seed: 3 },
    );
    const hostile = new Proxy(new Error("x"), {
      get: () => {
        throw new Error("no");
      },
    });
    expect(failureOf(hostile).name).toBe("Error");
  });
});

describe("inputs that a process slot keeps", () => {
  it("are sent once, and dropped when they were not used for longest", () => {
    const kept = new KeptInputs(100);
    expect([kept.use(1, 60), kept.use(2, 60), kept.trim()]).toEqual([false, false, []]);
    expect([kept.use(2, 60), kept.trim()]).toEqual([true, [1]]);
    expect([kept.use(1, 60), kept.use(3, 500), kept.trim()]).toEqual([false, false, [2]]);
    expect([kept.trim()]).toEqual([[1, 3]]);
  });
});

describe("functions", () => {
  it("get a number of their own, so that a new scheduler's ids cannot be taken for old ones", () => {
    const library = new FunctionLibrary();
    const seen = new SeenFunctions(library);
    library.add(1 as never, "old", new Uint8Array([1]));
    const old = library.get(1 as never);
    const item = { fn: old, functions: [old] };
    expect(seen.unseen([item, item]).map(({ fn }) => fn)).toEqual([old.number]);
    library.forget(1 as never);
    library.add(1 as never, "new", new Uint8Array([2]));
    expect(library.get(1 as never).number).not.toBe(old.number);
    expect(seen.stale()).toEqual([old.number]);
    expect(seen.stale()).toEqual([]);
  });
});

describe("the limit on output", () => {
  it("passes what fits, counts what it drops, and says so with the next that passes", () => {
    let now = 0;
    const limiter = new LineLimiter(100, () => now);
    expect(limiter.admit("a".repeat(60))).toBe("a".repeat(60));
    expect(limiter.admit("b\n".repeat(30).trimEnd())).toBe("");
    expect(limiter.admit("c".repeat(50))).toBe("");
    now = 1000;
    expect(limiter.admit("d")).toBe("… 31 lines dropped (more than 100 bytes per second)\nd");
    expect(limiter.takeNotice()).toBe("");
  });
});
