import { randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BulkParser, HEADER_BYTES, Receiving, sendChunks } from "../src/bulk/bulk-frames.ts";
import { CRC32, checksum, chooseChecksum, knownChecksums, knowsChecksum } from "../src/bulk/checksums.ts";
import { isFlockError, Outgoing } from "../src/index.ts";

const MIB = 1024 * 1024;
const kinds = [0, 1, 2].filter(knowsChecksum);

/** What is sent for `data` to a peer that knows these kinds. */
function streamOf(data: Uint8Array, known: number): Buffer {
  const parts: Uint8Array[] = [];
  const write = (bytes: Uint8Array, done?: () => void): boolean => {
    parts.push(bytes.slice());
    done?.();
    return true;
  };
  sendChunks({ write, cork: () => {}, uncork: () => {} }, new Outgoing(data), known, () => {});
  return Buffer.concat(parts);
}

function received(stream: Uint8Array, bytes: number): Uint8Array {
  const target = new Uint8Array(new SharedArrayBuffer(bytes));
  const receiving = new Receiving(target);
  const parser = new BulkParser({
    onFrame: () => expect.unreachable(),
    chunkTarget: (length) => receiving.chunkTarget(length),
    onChunk: (length) => receiving.advance(length),
  });
  parser.feed(stream);
  expect(receiving.complete).toBe(true);
  return target;
}

test("CRC-32 is there everywhere, and every kind in this build of Node", () => {
  expect(checksum(CRC32, Buffer.from("123456789"))).toBe(0xcbf43926);
  expect(kinds).toEqual([0, 1, 2]);
  expect(knownChecksums()).toBe(0b111);
  expect(knowsChecksum(3)).toBe(false);
  expect(knowsChecksum(0xffff)).toBe(false);
});

describe.each(kinds)("kind %i", (kind) => {
  test("is the same for the same bytes, wherever they lie, and another for others (property)", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 5000 }),
        fc.nat(),
        fc.integer({ min: 0, max: 7 }),
        (bytes, at, bit) => {
          const shared = new Uint8Array(new SharedArrayBuffer(bytes.length + 3), 3);
          shared.set(bytes);
          expect(checksum(kind, shared)).toBe(checksum(kind, bytes));
          shared[at % bytes.length]! ^= 1 << bit;
          expect(checksum(kind, shared)).not.toBe(checksum(kind, bytes));
        },
      ),
      { seed: 7, numRuns: 300 },
    );
  });

  test("is what a peer gets that knows no other", () => {
    const bytes = randomBytes(2 * MIB + 5);
    const stream = streamOf(bytes, 1 << kind);
    expect(stream[2]).toBe(kind);
    expect(Buffer.compare(received(stream, bytes.length), bytes)).toBe(0);
    for (const at of [HEADER_BYTES, HEADER_BYTES + 300_000, 2 * MIB]) {
      const changed = Buffer.from(stream);
      changed[at]! ^= 4;
      expect(() => received(changed, bytes.length)).toThrowError(/checksum of a frame is wrong/);
    }
  });
});

test("a peer that knows none of ours gets CRC-32, and so does little data", () => {
  expect(streamOf(randomBytes(2 * MIB), 1 << 20)[2]).toBe(CRC32);
  expect(chooseChecksum(MIB - 1, knownChecksums())).toBe(CRC32);
});

test("a kind that is unknown is refused before anything is read", () => {
  const stream = streamOf(randomBytes(1000), 1);
  stream.writeUInt16LE(9, 2);
  try {
    received(stream, 1000);
    expect.unreachable();
  } catch (error) {
    expect(isFlockError(error, "FLOCK_PROTOCOL")).toBe(true);
  }
});

test("the checksum of a chunk is computed once for each kind", () => {
  const bytes = randomBytes(1_500_000);
  const data = new Outgoing(bytes);
  const chunk = data.read(MIB, bytes.length - MIB);
  const first = data.checksum(CRC32, MIB, chunk);
  expect(first).toBe(crc32(chunk));
  const other = data.checksum(1, MIB, chunk);
  bytes.fill(0);
  expect(data.checksum(CRC32, MIB, chunk)).toBe(first);
  expect(data.checksum(1, MIB, chunk)).toBe(other);
});

test("two chunks at most are on their way, and none follows once the connection has ended", () => {
  const waiting: ((error?: Error) => void)[] = [];
  const written: number[] = [];
  const write = (bytes: Uint8Array, done?: (error?: Error) => void): boolean => {
    written.push(bytes.length);
    if (done !== undefined) waiting.push(done);
    return true;
  };
  let over = 0;
  sendChunks({ write, cork: () => {}, uncork: () => {} }, new Outgoing(new Uint8Array(5 * MIB)), 1, () => {
    over++;
  });
  expect(written).toEqual([HEADER_BYTES, MIB, HEADER_BYTES, MIB]);
  waiting.shift()?.();
  expect(written.length).toBe(6);
  waiting.shift()?.(new Error("cut"));
  expect(over).toBe(0);
  waiting.shift()?.(new Error("cut"));
  expect([written.length, over]).toEqual([6, 1]);
});
