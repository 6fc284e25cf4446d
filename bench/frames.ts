// How hot messages are encoded: objects, msgpackr's records, columns in msgpackr arrays, and columns of bytes (what the protocol uses).
// Prints a table: µs per message to encode and to decode, and bytes per message. Run: npx tsx bench/frames.ts

import {
  type Assign,
  type Direction,
  type Done,
  decodeFrame,
  type Finished,
  FrameBuilder,
  PayloadStore,
  type Release,
  type Submit,
} from "@taskflock/protocol";
import { Packr } from "msgpackr";

const ROWS = 256;
const ROUNDS = 4_000;
const bytes = Uint8Array.from({ length: 12 }, (_, i) => i);
const store = new PayloadStore();
const rows = <T>(make: (i: number) => unknown): T[] => Array.from({ length: ROWS }, (_, i) => make(i) as T);

// One literal per kind, as the machines make them: objects put together by spreading would be slow ones.
const submit = rows<Submit>((i) => ({
  t: "submit",
  n: 10_000 + i,
  fn: 3,
  functions: [],
  args: store.put(bytes),
  argsBytes: bytes.length,
  deps: i % 4 === 0 ? [i + 1] : [],
  options: 0,
  run: 1,
  key: null,
  fingerprint: null,
}));
const assign = rows<Assign>((i) => ({
  t: "assign",
  task: 2 ** 24 * 3 + i * 7,
  attempt: 1,
  key: `square-12-${10_000 + i}`,
  fn: 3,
  functions: [],
  args: store.put(bytes),
  argsBytes: bytes.length,
  inputs: [],
  order: 70_000 + i,
  timeoutMs: 0,
  cancelGraceMs: 1000,
  isolation: "thread",
  solo: false,
  expectedUs: 12,
}));
const finished = rows<Finished>((i) => ({
  t: "finished",
  task: 2 ** 24 * 3 + i * 7,
  attempt: 1,
  bytes: bytes.length,
  result: store.put(bytes),
  version: 0,
  durationUs: 3 + (i % 40),
}));
const done = rows<Done>((i) => ({ t: "done", n: 10_000 + i, bytes: bytes.length, result: store.put(bytes) }));
const release = rows<Release>((i) => ({ t: "release", n: 10_000 + i }));

interface Codec {
  encode(): Uint8Array;
  decode(frame: Uint8Array): unknown;
}

const objects = new Packr({ useRecords: false });
const records = new Packr({ useRecords: true, structures: [] });

/** Objects with their payloads as bytes in place; payloads are copied out, as the protocol must. */
function byPackr(packr: Packr, messages: readonly Record<string, unknown>[]): Codec {
  const field = ["args", "result"].find((name) => name in messages[0]!);
  return {
    encode: () =>
      packr.pack(
        field === undefined ? messages : messages.map((m) => ({ ...m, [field]: store.get(m[field] as never) })),
      ),
    decode: (frame) => {
      const out = packr.unpack(frame) as Record<string, unknown>[];
      if (field !== undefined) for (const m of out) m[field] = keep(m[field] as Uint8Array);
      return out;
    },
  };
}

function byArrays(messages: readonly Record<string, unknown>[]): Codec {
  const names = Object.keys(messages[0]!).filter((name) => name !== "t");
  const field = names.find((name) => name === "args" || name === "result");
  return {
    encode: () =>
      objects.pack([
        messages[0]!["t"],
        ...names.map((name) => messages.map((m) => (name === field ? store.get(m[name] as never) : m[name]))),
      ]),
    decode: (frame) => {
      const [t, ...columns] = objects.unpack(frame) as [string, ...unknown[][]];
      return columns[0]!.map((_, i) => {
        const message: Record<string, unknown> = { t };
        names.forEach((name, c) => {
          message[name] = name === field ? keep(columns[c]![i] as Uint8Array) : columns[c]![i];
        });
        return message;
      });
    },
  };
}

function byColumns(direction: Direction, messages: readonly unknown[]): Codec {
  const builder = new FrameBuilder(direction);
  const sink = { putSlice: (frame: Uint8Array, start: number, end: number) => keep(frame.subarray(start, end)) };
  return {
    encode: () => {
      for (const message of messages) builder.add(message as never, store);
      return builder.finish({ seq: 1, ack: 1 });
    },
    decode: (frame) => decodeFrame(direction, frame, sink as never).messages,
  };
}

const kept = new PayloadStore();
function keep(part: Uint8Array): number {
  const ref = kept.put(part);
  kept.free(ref);
  return ref;
}

function measure(work: () => unknown): number {
  for (let i = 0; i < ROUNDS / 4; i++) work();
  const start = process.hrtime.bigint();
  for (let i = 0; i < ROUNDS; i++) work();
  return Number(process.hrtime.bigint() - start) / 1000 / ROUNDS / ROWS;
}

const kinds: [string, Direction, readonly unknown[]][] = [
  ["submit", "client", submit],
  ["assign", "toWorker", assign],
  ["finished", "worker", finished],
  ["done", "toClient", done],
  ["release", "client", release],
];
console.log(`${ROWS} messages per frame, µs per message\n`);
console.log("kind      codec            encode  decode  bytes");
for (const [kind, direction, messages] of kinds) {
  const plain = messages as readonly Record<string, unknown>[];
  const codecs: [string, Codec][] = [
    ["objects", byPackr(objects, plain)],
    ["records", byPackr(records, plain)],
    ["columns, arrays", byArrays(plain)],
    ["columns, bytes", byColumns(direction, plain)],
  ];
  for (const [name, codec] of codecs) {
    const frame = codec.encode();
    const figures = [measure(() => codec.encode()), measure(() => codec.decode(frame))];
    const cells = figures.map((figure) => figure.toFixed(3).padStart(6)).join("  ");
    console.log(`${kind.padEnd(9)} ${name.padEnd(16)} ${cells}  ${(frame.length / ROWS).toFixed(1).padStart(5)}`);
  }
}
