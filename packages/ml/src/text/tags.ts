// Tags as columns of 0 and 1, and back.

import { FlockError } from "@taskflock/protocol/words";
import { isPlainObject, kindOf } from "../kinds.ts";
import { sortedLabels } from "../labels.ts";
import { checkedTensor, rowSize } from "../tensors.ts";
import type { Tensor } from "../training/types.ts";

export interface TagIndexOptions {
  /** Tags of fewer rows are left out; default 1: none. */
  readonly minCount?: number;
}

/** A tensor of 0 and 1. */
export interface BitTensor extends Tensor {
  readonly data: Uint8Array;
}

/** Which column stands for which tag. */
export class TagIndex {
  /** The tag of each column. */
  readonly indexTag: readonly string[];
  /** The column of each tag. */
  readonly tagIndex: ReadonlyMap<string, number>;

  /** Of the tags in the order of their columns. Throws FLOCK_ML_INPUT where one appears twice, or is no text. */
  constructor(tags: readonly string[]) {
    if (!isTags(tags)) throw wrongInput(`The tags are ${kindOf(tags)}, not a list of tags. Give an array of texts.`);
    this.indexTag = [...tags];
    this.tagIndex = new Map(tags.map((tag, column) => [tag, column]));
    const twice = tags.find((tag, column) => this.tagIndex.get(tag) !== column);
    if (twice !== undefined) throw wrongInput(`The tag ${JSON.stringify(twice)} is there twice. Give every tag once.`);
  }

  /** One row per list of tags: 1 in the columns of its tags. Tags without a column are left out. */
  encode(lists: readonly (readonly string[])[]): BitTensor {
    const cols = this.indexTag.length;
    checkLists(lists);
    const data = new Uint8Array(lists.length * cols);
    for (const [row, tags] of lists.entries()) {
      for (const tag of checkedTags(tags, row)) {
        const column = this.tagIndex.get(tag);
        if (column !== undefined) data[row * cols + column] = 1;
      }
    }
    return { data, shape: [lists.length, cols] };
  }

  /** The tags of each row whose values are above `threshold` (default 0.5), in alphabetical order. Throws FLOCK_ML_INPUT. */
  decode(scores: Tensor, threshold = 0.5): string[][] {
    if (!Number.isFinite(threshold)) throw wrongInput(`The threshold is ${String(threshold)}. Give a number.`);
    const cols = rowSize(checkedTensor(scores, "scores"));
    if (cols !== this.indexTag.length) {
      throw wrongInput(`The scores have ${cols} columns, but there are ${this.indexTag.length} tags.`);
    }
    return Array.from({ length: scores.shape[0] as number }, (_, row) =>
      this.indexTag.filter((_tag, column) => (scores.data[row * cols + column] as number) > threshold).sort(),
    );
  }

  /** `{ tagIndex: { tag: column }, indexTag: { column: tag } }`. */
  toJSON(): TagIndexJson {
    return {
      tagIndex: Object.fromEntries(this.tagIndex),
      indexTag: Object.fromEntries(this.indexTag.map((tag, column) => [String(column), tag])),
    };
  }

  /** Of what `toJSON` made, or of one of its two halves alone, as a text or parsed. Throws FLOCK_ML_INPUT. */
  static fromJSON(json: string | TagIndexJson | TagIndexJson["tagIndex"] | TagIndexJson["indexTag"]): TagIndex {
    const columns = columnsIn(typeof json === "string" ? parse(json) : json);
    const tags = new Map(columns.map(([tag, column]) => [column, tag]));
    const missing = columns.findIndex((_, column) => !tags.has(column));
    if (missing >= 0) {
      throw wrongInput(`No tag has column ${missing}. Columns go from 0 to ${columns.length - 1}, each once.`);
    }
    return new TagIndex(columns.map((_, column) => tags.get(column) as string));
  }
}

export interface TagIndexJson {
  readonly tagIndex: Readonly<Record<string, number>>;
  readonly indexTag: Readonly<Record<string, string>>;
}

/** The columns of all tags that occur, in alphabetical order. Throws FLOCK_ML_INPUT where there are none. */
export function tagIndex(lists: readonly (readonly string[])[], { minCount = 1 }: TagIndexOptions = {}): TagIndex {
  checkLists(lists);
  if (!Number.isInteger(minCount)) throw wrongInput(`minCount is ${String(minCount)}. Give a whole number.`);
  const counts = new Map<string, number>();
  for (const [row, tags] of lists.entries()) {
    for (const tag of new Set(checkedTags(tags, row))) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  }
  const kept = [...counts].filter(([, count]) => count >= minCount).map(([tag]) => tag);
  if (kept.length > 0) return new TagIndex(sortedLabels(kept) as string[]);
  throw wrongInput(`No tag occurs in ${minCount} rows or more: there are ${counts.size} tags in ${lists.length} rows.`);
}

function checkLists(lists: unknown): void {
  if (!Array.isArray(lists))
    throw wrongInput(`The tags are ${kindOf(lists)}. Give an array with a list of tags per row.`);
}

function isTags(tags: unknown): tags is readonly string[] {
  return Array.isArray(tags) && tags.every((tag) => typeof tag === "string");
}

function checkedTags(tags: readonly string[], row: number): readonly string[] {
  if (isTags(tags)) return tags;
  throw wrongInput(`Row ${row} is ${kindOf(tags)}, not a list of tags. Give an array of texts per row.`);
}

/** Pairs of tag and column in any of the three forms. */
function columnsIn(json: unknown): [string, number][] {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw notTags(kindOf(json));
  const { tagIndex: inside } = json as Partial<TagIndexJson>;
  const entries: [string, unknown][] = Object.entries(isPlainObject(inside) ? inside : json);
  return entries.map(([key, value]) => {
    if (typeof value === "number" && Number.isInteger(value)) return [key, value];
    if (typeof value === "string" && /^\d+$/.test(key)) return [value, Number(key)];
    throw notTags(`an object with ${JSON.stringify(key)}: ${JSON.stringify(value)}`);
  });
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw notTags("a text that is no JSON");
  }
}

function notTags(found: string): FlockError {
  return wrongInput(`This is ${found}. Give columns by tag, tags by column, or what TagIndex's toJSON made.`);
}

function wrongInput(message: string): FlockError {
  return new FlockError("FLOCK_ML_INPUT", message);
}
