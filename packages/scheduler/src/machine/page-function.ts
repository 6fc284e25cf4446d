// The code of a function, for people who want to see the line that is meant.

import type { Core } from "./core.ts";
import type { QuestionAnswer } from "./records.ts";

/** Of fewer characters many functions could be meant. */
const HASH_CHARACTERS = 8;
/** What is longer holds files, and is not sent for the sake of a line. */
const MAX_BYTES = 1024 * 1024;

/** Its encoded description is the answer's `data`. */
export function pageFunction({ functions }: Core, hash: string): QuestionAnswer {
  for (const record of hash.length < HASH_CHARACTERS ? [] : functions.values()) {
    if (!record.hash.startsWith(hash)) continue;
    if (record.codeBytes > MAX_BYTES) return { value: record.name, error: null };
    return { value: record.name, error: null, data: record.code, dataBytes: record.codeBytes };
  }
  return { value: null, error: null };
}
