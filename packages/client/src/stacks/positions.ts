// Where the text of generated code comes from: what a stack made on a worker is read with.

import { originalPosition } from "./source-maps.ts";

/** A script of the program, as the inspector describes it. */
export interface PositionScript {
  /** As the engine names it: a `file://` URL or a path. */
  readonly url: string;
  /** A `data:` URL, a URL relative to the script's, or "" when it was not compiled from anything. */
  readonly sourceMapUrl: string;
}

/** The places in scripts that the parts of one bundle were copied from. Lines and columns count from 0. */
export interface PositionTable {
  readonly scripts: readonly PositionScript[];
  /**
   * Five numbers each, sorted by the first two: line and column in the generated code; the script's index, or -1 for text
   * that nobody wrote; line and column in that script, as the engine counts them. A segment reaches to the next one, over
   * any number of lines: text that was copied as it stands is one segment.
   */
  readonly segments: readonly number[];
  /** Functions that have another name in the generated code: that name, and the user's. */
  readonly names?: ReadonlyMap<string, string>;
}

export interface Position {
  /** A path where there is one, else a URL. */
  readonly file: string;
  /** From 0. */
  readonly line: number;
  readonly column: number;
}

/** `glue`: text that nobody wrote. `unknown`: no table is kept for this code, or none has this place. */
export type Origin = Position | "glue" | "unknown";

const SEGMENT = 5;
/** As many as a worker keeps functions (load-function.ts). */
const MAX_TABLES = 512;
/** Characters of the hash that stand in the name of the code. */
const SHORT_HASH = 8;

const tables = new Map<string, PositionTable>();

/** Keeps the table of the code with this hash; the one not used for longest goes when there are too many. */
export function registerPositions(hash: string, table: PositionTable): void {
  const key = hash.slice(0, SHORT_HASH);
  tables.delete(key);
  tables.set(key, table);
  if (tables.size > MAX_TABLES) tables.delete(tables.keys().next().value ?? "");
}

/** `shortHash` as a stack has it. Line and column from 0, in the generated code. */
export function originOf(shortHash: string, line: number, column: number): Origin {
  const table = used(shortHash);
  if (table === undefined) return "unknown";
  const { segments, scripts } = table;
  const at = segmentAt(segments, line, column);
  if (at < 0) return "glue";
  const index = segments[at + 2]!;
  const script = scripts[index];
  if (script === undefined) return index < 0 ? "glue" : "unknown";
  const down = line - segments[at]!;
  const right = down === 0 ? column - segments[at + 1]! + segments[at + 4]! : column;
  return originalPosition(script, segments[at + 3]! + down, right);
}

/** The name that the user gave to what is called `name` in the generated code. */
export function originalName(shortHash: string, name: string): string {
  return used(shortHash)?.names?.get(name) ?? name;
}

function used(shortHash: string): PositionTable | undefined {
  const table = tables.get(shortHash);
  if (table === undefined) return undefined;
  tables.delete(shortHash); // and behind the others: the first of the map is the one not used for longest
  tables.set(shortHash, table);
  return table;
}

/** Index of the last segment that begins at the place or before; -1 when all begin behind it. */
function segmentAt(segments: readonly number[], line: number, column: number): number {
  let low = -1;
  let high = Math.floor(segments.length / SEGMENT);
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    const at = middle * SEGMENT;
    const isBehind = segments[at]! > line || (segments[at] === line && segments[at + 1]! > column);
    if (isBehind) high = middle;
    else low = middle;
  }
  return low < 0 ? -1 : low * SEGMENT;
}
