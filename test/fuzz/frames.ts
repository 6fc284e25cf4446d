// Frames of the project's own codec: valid ones, and broken ones that are told apart by the project's own reader.

import { decodeFrame, encodeFrame, readSeq } from "../../packages/protocol/src/frames/frames.ts";
import { packPlain } from "../../packages/protocol/src/frames/plain-data.ts";
import { PayloadStore } from "../../packages/protocol/src/payload-store.ts";
import { isFlockError } from "../../packages/protocol/src/words/index.ts";
import { mutateBytes, mutateRow } from "./mutate.ts";
import type { Random } from "./random.ts";
import { type Direction, mapPayloads, type Row } from "./samples.ts";

const payloads = new PayloadStore();
const NOTHING = { putSlice: () => 1 as never };

export function validFrame(direction: Direction, seq: number, rows: readonly Row[]): Buffer {
  const kept: number[] = [];
  const messages = rows.map((row) =>
    mapPayloads(direction, row, (bytes) => {
      if (bytes === null) return 0;
      kept.push(payloads.put(bytes));
      return kept.at(-1)!;
    }),
  );
  const frame = encodeFrame(direction, { seq, ack: 0 }, messages as never, payloads);
  for (const ref of kept) payloads.free(ref as never);
  return frame;
}

/** Its header is as it should be, so that what is wrong with the rest is looked at. */
export function brokenFrame(random: Random, direction: Direction, seq: number, rows: readonly Row[]): Buffer {
  const frame = random.oneIn(3)
    ? plainFrame(seq, [mutateRow(random, rows[0]!)])
    : mutateBytes(random, validFrame(direction, seq, rows), validFrame(direction, seq, rows.slice(-1)));
  if (frame.length >= 17 && !random.oneIn(5)) {
    frame[0] = 0x46;
    frame.writeDoubleLE(seq, 1);
    frame.writeDoubleLE(0, 9);
  }
  return frame;
}

/** Messages as objects, whatever is in them. */
function plainFrame(seq: number, rows: readonly Row[]): Buffer {
  const head = Buffer.alloc(22 + 5);
  head[0] = 0x46;
  head.writeDoubleLE(seq, 1);
  head.writeUInt32LE(rows.length, 17);
  head[21] = 1;
  head.writeUInt32LE(rows.length, 23);
  return Buffer.concat([head, ...rows.map((row) => packPlain(row))]);
}

export interface Reading {
  /** What becomes of it at a server that has received so many frames. */
  readonly is: "taken" | "known" | "refused";
  readonly kinds: readonly string[];
}

/** A question is named by what it asks. */
export function kindOf({ t, question }: Row): string {
  return t === "ask" ? `ask ${(question as Row)["q"]}` : String(t);
}

/** Throws what is not FLOCK_PROTOCOL: that is a defect of the reader. */
export function reading(direction: Direction, frame: Buffer, received: number): Reading {
  try {
    const seq = readSeq(frame);
    if (seq <= received) return { is: "known", kinds: [] };
    if (seq !== received + 1) return { is: "refused", kinds: [] };
    const { messages } = decodeFrame(direction, frame, NOTHING);
    return { is: "taken", kinds: (messages as unknown as readonly Row[]).map(kindOf) };
  } catch (error) {
    if (isFlockError(error, "FLOCK_PROTOCOL")) return { is: "refused", kinds: [] };
    throw error;
  }
}
