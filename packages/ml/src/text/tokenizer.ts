// Words as numbers, by Keras's rules to the letter: a model that was trained there reads the same numbers here.

import { FlockError } from "@taskflock/protocol/words";
import { type Check, flag, show } from "../estimators/parameter-checks.ts";
import { kindOf } from "../kinds.ts";
import type { CsrMatrix } from "../matrix.ts";
import { resolveOptions } from "../options.ts";
import { checkedTensor, isTensor, rowSize } from "../tensors.ts";
import type { Tensor } from "../training/types.ts";
import { countedWords, type MatrixMode, matrixModes, weightOf } from "./bag-of-words.ts";
import { decodeTokenizer, encodeTokenizer, type TokenizerJson } from "./tokenizer-json.ts";
import { defaultFilters, textToWords, type WordRules } from "./words.ts";

export interface TokenizerOptions extends Partial<WordRules> {
  /** Only words with an index below it appear in sequences: the `numWords - 1` most frequent ones; default: all. */
  readonly numWords?: number | null;
  /** Every character is a token; `filters` and `split` do not apply then. Default false. */
  readonly charLevel?: boolean;
  /** Stands, with index 1, for words that are not known or not frequent enough; default: those are left out. */
  readonly oovToken?: string | null;
}

/** A text, or one that is split into words already. */
export type Text = string | readonly string[];

const checks: { readonly [K in keyof Required<TokenizerOptions>]: Check } = {
  numWords: (value) =>
    value === null || (Number.isInteger(value) && (value as number) > 0) ? null : "a whole number above 0, or null",
  filters: (value) => (typeof value === "string" ? null : "a text of characters"),
  lower: flag,
  split: (value) => (typeof value === "string" && value !== "" ? null : "a text that is not empty"),
  charLevel: flag,
  oovToken: (value) => (value === null || typeof value === "string" ? null : "a text, or null"),
};

const defaults: Required<TokenizerOptions> = {
  numWords: null,
  filters: defaultFilters,
  lower: true,
  split: " ",
  charLevel: false,
  oovToken: null,
};

/** What a tokenizer knows, all of it public: it travels to workers as it is. */
export interface TokenizerState {
  /** How often each word occurs, in the order of first sight. */
  wordCounts: Map<string, number>;
  /** In how many texts each word occurs. */
  wordDocs: Map<string, number>;
  /** 1 is the most frequent word, or `oovToken`; equally frequent words keep the order of first sight. 0 is no word: padding. */
  wordIndex: Map<string, number>;
  indexWord: Map<number, string>;
  /** In how many texts the word of an index occurs. */
  indexDocs: Map<number, number>;
  documentCount: number;
}

/** Learns the words of texts, and turns texts into sequences of their numbers and back. As Keras's `Tokenizer`. */
export class Tokenizer implements TokenizerState {
  readonly options: Required<TokenizerOptions>;
  wordCounts: Map<string, number> = new Map();
  wordDocs: Map<string, number> = new Map();
  wordIndex: Map<string, number> = new Map();
  indexWord: Map<number, string> = new Map();
  indexDocs: Map<number, number> = new Map();
  documentCount = 0;

  /** Throws FLOCK_OPTION_INVALID. */
  constructor(options: TokenizerOptions = {}) {
    this.options = resolveOptions<Required<TokenizerOptions>>("Tokenizer", options, defaults, checks);
  }

  /** Learns the words of more texts; indices are new afterwards. Throws FLOCK_ML_INPUT for what is no text. */
  fitOnTexts(texts: Iterable<Text>): void {
    for (const text of checkedTexts(texts)) {
      const words = wordsOf(text, this.options);
      this.documentCount++;
      for (const word of words) this.wordCounts.set(word, (this.wordCounts.get(word) ?? 0) + 1);
      for (const word of new Set(words)) this.wordDocs.set(word, (this.wordDocs.get(word) ?? 0) + 1);
    }
    indexWords(this);
  }

  /** The numbers of each text's words. Words that are not known, or not below `numWords`, are left out, or `oovToken`. */
  textsToSequences(texts: Iterable<Text>): number[][] {
    return Array.from(checkedTexts(texts), (text) => sequenceOf(this, text));
  }

  /**
   * Texts of the words of each sequence, or each row of a tensor, a space between them: what the model saw, not the text as it was.
   * What fills rows is a word too where it is the index of one. Throws FLOCK_ML_INPUT for what is neither.
   */
  sequencesToTexts(sequences: Iterable<Iterable<number>> | Tensor): string[] {
    const outside = outsideOf(this);
    const oovWord = outside === undefined ? undefined : this.indexWord.get(outside);
    return Array.from(isTensor(sequences) ? rowsOf(sequences) : checkedSequences(sequences), (sequence) => {
      const words: string[] = [];
      for (const index of sequence) {
        const word = isWithin(this, index) ? this.indexWord.get(index) : undefined;
        if (word !== undefined) words.push(word);
        else if (oovWord !== undefined) words.push(oovWord);
      }
      return words.join(" ");
    });
  }

  /** One row per text, one column per index: 1 where the word occurs, its count, its share, or its tf-idf. Throws FLOCK_ML_INPUT. */
  textsToMatrix(texts: Iterable<Text>, mode: MatrixMode = "binary"): Tensor {
    const { rows, cols, indptr, indices, data } = this.textsToCsr(texts, mode);
    const dense = new Float32Array(rows * cols);
    for (let row = 0; row < rows; row++) {
      for (let at = indptr[row] as number; at < (indptr[row + 1] as number); at++) {
        dense[row * cols + (indices[at] as number)] = data[at] as number;
      }
    }
    return { data: dense, shape: [rows, cols] };
  }

  /** The same as `textsToMatrix`, sparse and in double precision: for many words. Throws FLOCK_ML_INPUT. */
  textsToCsr(texts: Iterable<Text>, mode: MatrixMode = "binary"): CsrMatrix {
    if (!matrixModes.includes(mode)) {
      throw wrongInput(`There is no mode ${show(mode)}. Known: ${matrixModes.join(", ")}.`);
    }
    const cols = this.options.numWords ?? this.wordIndex.size + 1;
    if (this.documentCount === 0 && (mode === "tfidf" || this.options.numWords === null)) {
      throw wrongInput("The tokenizer knows no texts yet. Call fitOnTexts first.");
    }
    return countedWords(this.textsToSequences(texts), cols, (index, count, length) =>
      weightOf(mode, count, length, this.documentCount, this.indexDocs.get(index) ?? 0),
    );
  }

  /** Keras's own format: `tokenizer_from_json(text)` of Keras reads what `JSON.stringify(tokenizer)` writes. */
  toJSON(): TokenizerJson {
    return encodeTokenizer(this.options, this);
  }

  /** Of what `toJSON` or Keras's `to_json` made, as a text or parsed. Throws FLOCK_ML_INPUT. */
  static fromJSON(json: string | TokenizerJson): Tokenizer {
    const { options, state } = decodeTokenizer(json);
    return Object.assign(new Tokenizer(options), state);
  }
}

// Functions, not private methods: an instance of a class that has those cannot travel.

function wordsOf(text: Text, options: Required<TokenizerOptions>): string[] {
  const { charLevel, lower } = options;
  if (typeof text !== "string") return lower ? text.map((word) => word.toLowerCase()) : [...text];
  if (charLevel) return [...(lower ? text.toLowerCase() : text)];
  return textToWords(text, options);
}

function indexWords(tokenizer: Tokenizer): void {
  const { oovToken } = tokenizer.options;
  // The order of first sight stays among equals: sorting is stable, as Keras's is.
  const byCount = [...tokenizer.wordCounts].sort(([, a], [, b]) => b - a).map(([word]) => word);
  const vocabulary = oovToken === null ? byCount : [oovToken, ...byCount];
  const wordIndex = new Map(vocabulary.map((word, at) => [word, at + 1]));
  tokenizer.wordIndex = wordIndex;
  tokenizer.indexWord = new Map(Array.from(wordIndex, ([word, index]) => [index, word]));
  tokenizer.indexDocs = new Map(
    Array.from(tokenizer.wordDocs, ([word, docs]) => [wordIndex.get(word) as number, docs]),
  );
}

/** The index of `oovToken`. */
function outsideOf({ options, wordIndex }: Tokenizer): number | undefined {
  return options.oovToken === null ? undefined : wordIndex.get(options.oovToken);
}

function isWithin({ options }: Tokenizer, index: number): boolean {
  return options.numWords === null || index < options.numWords;
}

function sequenceOf(tokenizer: Tokenizer, text: Text): number[] {
  const outside = outsideOf(tokenizer);
  const sequence: number[] = [];
  for (const word of wordsOf(text, tokenizer.options)) {
    const index = tokenizer.wordIndex.get(word);
    if (index !== undefined && isWithin(tokenizer, index)) sequence.push(index);
    else if (outside !== undefined) sequence.push(outside);
  }
  return sequence;
}

function rowsOf(tensor: Tensor): Iterable<number>[] {
  const size = rowSize(checkedTensor(tensor, "sequences"));
  return Array.from({ length: tensor.shape[0] as number }, (_, row) =>
    tensor.data.subarray(row * size, (row + 1) * size),
  );
}

function* checkedTexts(texts: Iterable<Text>): Generator<Text> {
  if (typeof texts === "string") throw wrongInput("The texts are one text. Give an array of texts.");
  if (!isIterable(texts)) throw wrongInput(`The texts are ${kindOf(texts)}. Give an array of texts.`);
  let at = 0;
  for (const text of texts) {
    const words = Array.isArray(text) && text.every((word) => typeof word === "string");
    if (typeof text !== "string" && !words)
      throw wrongInput(`Text ${at} is ${show(text)}, neither a text nor an array of words.`);
    yield text;
    at++;
  }
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}

/** What is to be rows of numbers. */
function checkedSequences(sequences: Iterable<Iterable<number>>): Iterable<number>[] {
  const all: unknown[] | null = isIterable(sequences) ? [...sequences] : null;
  const bad = all?.find((sequence) => !isIterable(sequence));
  if (all === null || bad !== undefined)
    throw wrongInput(
      `The sequences ${all === null ? "are" : "have among them"} ${kindOf(all === null ? sequences : bad)}. Give an array of arrays of numbers, or a tensor of rows.`,
    );
  return all as Iterable<number>[];
}

function wrongInput(message: string): FlockError {
  return new FlockError("FLOCK_ML_INPUT", message);
}
