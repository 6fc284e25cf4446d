// The order in which the messages of several kinds follow each other in a frame: stretches, each of one kind.

import { type IntField, malformed } from "../validation/fields.ts";
import { readInts } from "./columns.ts";
import type { WireReader } from "./wire-reader.ts";

const orderedKind: IntField = { kind: "int", min: 0, max: 255 };
const stretchLength: IntField = { kind: "int", min: 1, max: 65_536 };

/** A frame's: `many`, each of one kind, with so many messages. What stands behind those is of other frames. */
export interface Blocks {
  many: number;
  readonly kinds: number[];
  readonly counts: number[];
}

/** Position of the block of this kind, or -1. */
export function blockOf({ many, kinds }: Blocks, kind: number): number {
  for (let i = 0; i < many; i++) if (kinds[i] === kind) return i;
  return -1;
}

export interface Stretches {
  /** Positions among the frame's blocks, one for each stretch, and how many messages it has. */
  readonly blocks: number[];
  readonly lengths: number[];
  /** Zero for each block: how many of its messages are in their place. */
  readonly placed: number[];
}

/** Each message of the blocks must be in one stretch. */
export function readStretches(reader: WireReader, of: Blocks): Stretches {
  reader.at = "frame.order";
  const many = reader.u32();
  reader.spend(many);
  const blocks = readInts(reader, many, orderedKind, "frame.order");
  const lengths = readInts(reader, many, stretchLength, "frame.order");
  const left = of.counts.slice(0, of.many);
  for (let i = 0; i < many; i++) {
    const block = blockOf(of, blocks[i]!);
    if (block === -1 || left[block]! < lengths[i]!) throw malformed("frame.order", "it names what is not there");
    left[block]! -= lengths[i]!;
    blocks[i] = block;
  }
  for (let i = 0; i < left.length; i++) {
    if (left[i] !== 0) throw malformed("frame.order", "it leaves messages out");
  }
  return { blocks, lengths, placed: left };
}

/** The messages of all blocks, in their order. */
export function interleave<M>({ blocks, lengths, placed }: Stretches, parts: readonly M[][], count: number): M[] {
  const out: M[] = new Array(count);
  let at = 0;
  for (let i = 0; i < blocks.length; i++) {
    const block = blocks[i]!;
    const part = parts[block]!;
    let from = placed[block]!;
    for (const end = from + lengths[i]!; from < end; from++) out[at++] = part[from]!;
    placed[block] = from;
  }
  return out;
}
