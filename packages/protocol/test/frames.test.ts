import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Direction } from "../src/index.ts";
import {
  decodeFrame,
  encodeFrame,
  FrameBuilder,
  isFlockError,
  PayloadStore,
  patchHeader,
  readSeq,
} from "../src/index.ts";
import { directions, intoStore, messagesOf, outOfStore } from "./message-arbitraries.ts";

const seed = 20_240_601;
type Row = Record<string, unknown>;

function encodeRows(direction: Direction, rows: readonly Row[], seq = 7, ack = 3): Buffer {
  const store = new PayloadStore();
  const messages = rows.map((row) => intoStore(direction, row, store));
  return encodeFrame(direction, { seq, ack }, messages as never, store);
}

function decodeRows(direction: Direction, frame: Uint8Array): Row[] {
  const store = new PayloadStore();
  const { messages } = decodeFrame(direction, frame, store);
  return messages.map((message) => outOfStore(direction, message as never, store));
}

describe("encode, then decode", () => {
  for (const direction of directions) {
    for (const kind of messagesOf(direction)) {
      const name = fc.sample(kind, { numRuns: 1, seed })[0]!["t"] as string;
      test(`${direction}.${name} is the identity`, () => {
        fc.assert(
          fc.property(fc.array(kind, { maxLength: 12 }), (rows) => {
            expect(decodeRows(direction, encodeRows(direction, rows))).toEqual(rows);
          }),
          { seed, numRuns: 60 },
        );
      });
    }

    test(`${direction}: mixed kinds keep their order`, () => {
      fc.assert(
        fc.property(fc.array(fc.oneof(...messagesOf(direction)), { maxLength: 40 }), (rows) => {
          expect(decodeRows(direction, encodeRows(direction, rows))).toEqual(rows);
        }),
        { seed, numRuns: 100 },
      );
    });
  }

  test("a function without code, a task without arguments: malformed, so that no machine meets them", () => {
    const fn = { t: "function", fn: 1, hash: "h", name: "f", code: null, codeBytes: 0 };
    const [submit] = fc.sample(messagesOf("client").find((kind) => fc.sample(kind, 1)[0]!["t"] === "submit")!, 1);
    for (const row of [fn, { ...submit!, args: null }]) {
      let thrown: unknown;
      try {
        decodeRows("client", encodeRows("client", [row]));
      } catch (error) {
        thrown = error;
      }
      expect(isFlockError(thrown, "FLOCK_PROTOCOL")).toBe(true);
    }
  });

  test("a column of any integers, of any count", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(0, 1, 255, 256, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 45),
        fc.array(fc.oneof(fc.nat(300), fc.nat(70_000), fc.nat(), fc.maxSafeInteger()), { maxLength: 100 }),
        (base, offsets) => {
          const rows = offsets.map((n) => ({
            t: "release",
            n: Math.min(Number.MAX_SAFE_INTEGER, Math.abs(n) + base + 1),
          }));
          expect(decodeRows("client", encodeRows("client", rows))).toEqual(rows);
        },
      ),
      { seed, numRuns: 300 },
    );
  });

  test("numbers that follow each other take no bytes each; others do, if one of them is elsewhere", () => {
    const rows = (numbers: readonly number[]): Row[] => numbers.map((n) => ({ t: "release", n }));
    const bytesOf = (numbers: readonly number[]): number => encodeRows("client", rows(numbers)).length;
    for (const base of [1, 200, 70_000, 2 ** 31 - 50, 2 ** 40, Number.MAX_SAFE_INTEGER - 99]) {
      const ramp = Array.from({ length: 100 }, (_, i) => base + i);
      expect(decodeRows("client", encodeRows("client", rows(ramp)))).toEqual(rows(ramp));
      expect(bytesOf(ramp)).toBe(bytesOf([base]));
      for (const broken of [[...ramp].reverse(), [...ramp.slice(0, 50), base, ...ramp.slice(51)]]) {
        expect(decodeRows("client", encodeRows("client", rows(broken)))).toEqual(rows(broken));
        expect(bytesOf(broken)).toBeGreaterThan(100);
      }
    }
  });

  test("the header says seq and ack, and can be changed in place", () => {
    const frame = encodeRows("client", [{ t: "goodbye" }], 12, 2 ** 40);
    expect(readSeq(frame)).toBe(12);
    expect(decodeFrame("client", frame, new PayloadStore())).toMatchObject({ seq: 12, ack: 2 ** 40 });
    patchHeader(frame, { seq: 13, ack: 5 });
    expect(decodeFrame("client", frame, new PayloadStore())).toEqual({ seq: 13, ack: 5, messages: [{ t: "goodbye" }] });
  });

  test("a builder is used again, and copies payloads when they are added", () => {
    const store = new PayloadStore();
    const builder = new FrameBuilder("toClient");
    for (let round = 1; round <= 3; round++) {
      const result = store.put(Uint8Array.of(round, round));
      builder.add({ t: "done", n: round as never, bytes: 2, result }, store);
      store.free(result);
      store.free(store.put(Uint8Array.of(99, 99)));
      expect(builder.count).toBe(1);
      const frame = builder.finish({ seq: round, ack: 0 });
      expect(builder.bytes).toBe(0);
      expect(decodeRows("toClient", frame)).toEqual([
        { t: "done", n: round, bytes: 2, result: Uint8Array.of(round, round) },
      ]);
    }
  });

  test("frame after frame of one builder, of one kind or mixed", () => {
    for (const direction of directions) {
      const builder = new FrameBuilder(direction);
      fc.assert(
        fc.property(fc.array(fc.oneof(...messagesOf(direction)), { maxLength: 6 }), (rows) => {
          const store = new PayloadStore();
          let payloadBytes = 0;
          for (const row of rows) {
            const message = intoStore(direction, row, store) as never;
            payloadBytes += builder.payloadBytesOf(message, store);
            builder.add(message, store);
          }
          expect(payloadBytes).toBe(store.bytes);
          expect(decodeRows(direction, builder.finish({ seq: 1, ack: 0 }))).toEqual(rows);
        }),
        { seed, numRuns: 100 },
      );
    }
  });

  test("texts of any length and alphabet", () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.string({ unit: "binary", maxLength: 200 }), { nil: null }), { maxLength: 6 }),
        (keys) => {
          const rows = keys.map((key, i) => ({
            ...{ t: "submit", n: i + 1, fn: 1, functions: [], args: new Uint8Array(0), argsBytes: 0, deps: [] },
            ...{ options: 0, run: 0, key, fingerprint: null },
          }));
          expect(decodeRows("client", encodeRows("client", rows))).toEqual(rows);
        },
      ),
      { seed, numRuns: 300 },
    );
  });

  test("what is kept of a frame is not a part of it", () => {
    const frame = encodeRows("client", [
      {
        t: "submit",
        n: 1,
        fn: 1,
        functions: [],
        args: Uint8Array.of(1, 2, 3),
        argsBytes: 3,
        deps: [],
        options: 0,
        run: 0,
        key: "a key of some length",
        fingerprint: null,
      },
    ]);
    const store = new PayloadStore();
    const { messages } = decodeFrame("client", frame, store);
    frame.fill(0);
    const [submit] = messages;
    expect(submit).toMatchObject({ t: "submit", key: "a key of some length" });
    expect(submit?.t === "submit" && [...store.get(submit.args)]).toEqual([1, 2, 3]);
  });
});

describe("malformed frames", () => {
  const refuse = (direction: Direction, frame: Uint8Array): string => {
    const store = new PayloadStore();
    try {
      decodeFrame(direction, frame, store);
    } catch (error) {
      expect(isFlockError(error, "FLOCK_PROTOCOL")).toBe(true);
      expect(store.count).toBe(0);
      return (error as Error).message;
    }
    throw new Error("the frame was accepted");
  };

  test("name the message and the field", () => {
    expect(refuse("client", encodeRows("client", [{ t: "release", n: 0 }]))).toMatch(/release\.n.*0 is not an integer/);
    expect(refuse("client", encodeRows("client", [{ t: "cancel", n: 1, reason: 7 }]))).toMatch(/cancel\.reason.*7/);
    const incomplete = encodeFrame(
      "client",
      { seq: 1, ack: 0 },
      [{ t: "reportRun", run: 1 } as never],
      new PayloadStore(),
    );
    expect(refuse("client", incomplete)).toMatch(/reportRun\.stepsDone.*absent/);
    expect(refuse("client", encodeRows("client", [{ t: "goodbye", more: 1 }]))).toMatch(/goodbye.*more.*unknown/);
    expect(refuse("client", encodeRows("client", [{ t: "ask", id: 1, question: { q: "whence" } }]))).toMatch(
      /ask\.question\.q.*whence/,
    );
    expect(refuse("worker", encodeRows("worker", [{ t: "heartbeat", metrics: { cpuPercent: 1, gpus: [] } }]))).toMatch(
      /heartbeat\.metrics/,
    );
  });

  test("a payload of another size than the message says", () => {
    const rows = [
      { t: "finished", task: 1, attempt: 1, bytes: 3, result: Uint8Array.of(1), version: 0, durationUs: 1 },
    ];
    expect(refuse("worker", encodeRows("worker", rows))).toMatch(/finished\.result: 1 bytes came, 3/);
  });

  test("a kind of another direction", () => {
    const store = new PayloadStore();
    const frame = encodeFrame("nanny", { seq: 1, ack: 0 }, [{ t: "exited", incarnation: "x", how: "y" }], store);
    expect(refuse("client", frame)).toMatch(/"exited" is unknown/);
    expect(refuse("toClient", encodeRows("client", [{ t: "release", n: 1 }]))).toMatch(/FLOCK|done|closed/);
  });

  test("numbers that follow each other out of their range", () => {
    const last = Number.MAX_SAFE_INTEGER;
    const frame = Buffer.from(
      encodeRows("client", [
        { t: "release", n: last - 1 },
        { t: "release", n: last },
      ]),
    );
    frame.writeDoubleLE(last, frame.length - 8); // the base is now the last that can be, and another follows it
    expect(refuse("client", frame)).toMatch(/release\.n: 9007199254740992 is not an integer within/);
  });

  test("more blocks than there are kinds, and the same block twice", () => {
    const frame = Buffer.from(encodeRows("client", [{ t: "release", n: 1 }]));
    const blocksAt = 21;
    expect(frame[blocksAt]).toBe(1);
    frame[blocksAt] = 200;
    expect(refuse("client", frame)).toMatch(/200 blocks/);
    frame[blocksAt] = 2;
    const twice = Buffer.concat([frame, frame.subarray(blocksAt + 1)]);
    twice.writeUInt32LE(2, blocksAt - 4);
    expect(refuse("client", twice)).toMatch(/the block 2 is unknown/);
  });

  test("texts that were announced and are not there", () => {
    const rows = [{ t: "submit", n: 1, fn: 1, functions: [], args: new Uint8Array(0), argsBytes: 0, deps: [] }];
    const row = { ...rows[0]!, options: 0, run: 0, key: "", fingerprint: null };
    const frame = Buffer.from(encodeRows("client", [row]));
    const at = frame.length - 11; // the length of the key, then: no bytes, and the same of the fingerprint
    expect([...frame.subarray(at - 1)]).toEqual([16, 1, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0]);
    frame[at] = 3;
    expect(refuse("client", frame)).toMatch(/no characters came, 2 were announced/);
  });

  test("a list that claims more than the frame has", () => {
    // 0xdd: an array of 2 ** 32 - 1 elements, which msgpackr would allocate
    const frame = encodeRows("toClient", [
      { t: "answer", id: 1, value: [1, 2], error: null, data: null, dataBytes: 0 },
    ]);
    const at = frame.indexOf(0x92);
    const bomb = Buffer.concat([
      frame.subarray(0, at),
      Uint8Array.of(0xdd, 255, 255, 255, 255),
      frame.subarray(at + 1),
    ]);
    expect(refuse("toClient", bomb)).toMatch(/elements cannot follow/);
  });

  test("a constant column that claims endless lists", () => {
    const deps = Array.from({ length: 100 }, () => 5);
    const rows = Array.from({ length: 30_000 }, (_, i) => ({
      ...{
        t: "submit",
        n: i + 1,
        fn: 1,
        functions: [],
        args: new Uint8Array(0),
        argsBytes: 0,
        deps,
        options: 0,
        run: 0,
      },
      ...{ key: null, fingerprint: null },
    }));
    expect(refuse("client", encodeRows("client", rows))).toMatch(/too many elements/);
  });

  test("nesting without end", () => {
    let value: unknown = 1;
    for (let i = 0; i < 60; i++) value = [value];
    expect(
      refuse(
        "toClient",
        encodeRows("toClient", [{ t: "answer", id: 1, value, error: null, data: null, dataBytes: 0 }]),
      ),
    ).toMatch(/deeper/);
  });

  test("every cut of a frame is refused", () => {
    const rows = fc.sample(fc.array(fc.oneof(...messagesOf("toWorker")), { minLength: 12, maxLength: 12 }), {
      numRuns: 1,
      seed,
    });
    const frame = encodeRows("toWorker", rows[0]!);
    for (let end = 0; end < frame.length; end++) refuse("toWorker", frame.subarray(0, end));
  });

  test("random bytes never do more than be refused", () => {
    fc.assert(
      fc.property(fc.constantFrom(...directions), fc.uint8Array({ maxLength: 400 }), (direction, bytes) => {
        refuse(direction, bytes);
      }),
      { seed, numRuns: 3000 },
    );
  });

  test("mutated frames are decoded or refused, and leave nothing behind when refused", () => {
    const mutation = fc.record({ at: fc.nat(), to: fc.nat(255) });
    for (const direction of directions) {
      fc.assert(
        fc.property(
          fc.array(fc.oneof(...messagesOf(direction)), { minLength: 1, maxLength: 8 }),
          fc.array(mutation, { minLength: 1, maxLength: 4 }),
          (rows, mutations) => {
            const frame = encodeRows(direction, rows);
            for (const { at, to } of mutations) frame[at % frame.length] = to;
            const store = new PayloadStore();
            try {
              decodeFrame(direction, frame, store);
            } catch (error) {
              expect(isFlockError(error, "FLOCK_PROTOCOL"), String(error)).toBe(true);
              expect(store.count).toBe(0);
            }
          },
        ),
        { seed, numRuns: 1500 },
      );
    }
  });
});
