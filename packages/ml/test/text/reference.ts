// What Keras's own text preprocessing makes of given texts, made by test/data/make_text.py.

import { readFileSync } from "node:fs";
import type { MatrixMode, PadOptions, Text, TokenizerOptions } from "../../src/index.ts";

export interface TextReference {
  readonly tokenizer: readonly {
    readonly options: TokenizerOptions;
    readonly texts: Text[];
    readonly unseen: Text[];
    readonly refit: Text[] | null;
    readonly sequences: number[][];
    readonly back: string[];
    readonly indices: number[][];
    readonly wordCounts: [string, number][];
    readonly wordDocs: [string, number][];
    readonly wordIndex: [string, number][];
    readonly indexWord: [number, string][];
    readonly indexDocs: [number, number][];
    readonly documentCount: number;
    readonly matrices: Readonly<Record<MatrixMode, { shape: [number, number]; values: [number, number, number][] }>>;
    readonly json: string;
  }[];
  readonly words: readonly { readonly text: string; readonly words: string[] }[];
  readonly sequences: number[][];
  readonly pads: readonly { readonly options: PadOptions; readonly padded: number[][] }[];
}

export const textReference: TextReference = JSON.parse(
  readFileSync(new URL("../data/text.json", import.meta.url), "utf8"),
) as TextReference;
