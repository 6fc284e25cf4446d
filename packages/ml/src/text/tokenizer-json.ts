// A tokenizer as Keras writes it: an object whose dictionaries are texts of JSON.

import { FlockError } from "@taskflock/protocol/words";
import { isPlainObject, kindOf } from "../kinds.ts";
import type { TokenizerOptions, TokenizerState } from "./tokenizer.ts";

/** What Keras's `to_json` writes. */
export interface TokenizerJson {
  readonly class_name: "Tokenizer";
  readonly config: {
    readonly num_words: number | null;
    readonly filters: string;
    readonly lower: boolean;
    readonly split: string;
    readonly char_level: boolean;
    readonly oov_token: string | null;
    readonly document_count: number;
    readonly word_counts: string;
    readonly word_docs: string;
    readonly index_docs: string;
    readonly index_word: string;
    readonly word_index: string;
  };
}

export function encodeTokenizer(options: Required<TokenizerOptions>, state: TokenizerState): TokenizerJson {
  return {
    class_name: "Tokenizer",
    config: {
      num_words: options.numWords,
      filters: options.filters,
      lower: options.lower,
      split: options.split,
      char_level: options.charLevel,
      oov_token: options.oovToken,
      document_count: state.documentCount,
      word_counts: textOf(state.wordCounts),
      word_docs: textOf(state.wordDocs),
      index_docs: textOf(state.indexDocs),
      index_word: textOf(state.indexWord),
      word_index: textOf(state.wordIndex),
    },
  };
}

export interface DecodedTokenizer {
  readonly options: TokenizerOptions;
  readonly state: TokenizerState;
}

/** Throws FLOCK_ML_INPUT where it is no tokenizer. */
export function decodeTokenizer(json: string | TokenizerJson): DecodedTokenizer {
  const { config } = parsed(json);
  const options: TokenizerOptions = {
    numWords: config.num_words,
    filters: config.filters,
    lower: config.lower,
    split: config.split,
    charLevel: config.char_level,
    oovToken: config.oov_token,
  };
  const state: TokenizerState = {
    wordCounts: numbersOf(config.word_counts),
    wordDocs: numbersOf(config.word_docs),
    wordIndex: numbersOf(config.word_index),
    indexDocs: byIndex(numbersOf(config.index_docs)),
    indexWord: new Map(entriesOf(config.index_word).map(([index, word]) => [Number(index), String(word)])),
    documentCount: config.document_count,
  };
  return { options, state };
}

/** By hand: as keys of an object, words such as "2020" would come first, and the order decides between equally frequent words. */
function textOf(entries: ReadonlyMap<string | number, string | number>): string {
  const items = Array.from(entries, ([key, value]) => `${JSON.stringify(String(key))}: ${JSON.stringify(value)}`);
  return `{${items.join(", ")}}`;
}

const item = /("(?:[^"\\]|\\.)*")\s*:\s*("(?:[^"\\]|\\.)*"|-?[\d.eE+-]+)/g;

/** In the order of the text. */
function entriesOf(text: string): [string, string | number][] {
  return Array.from(text.matchAll(item), ([, key, value]) => [JSON.parse(key as string), JSON.parse(value as string)]);
}

function numbersOf(text: string): Map<string, number> {
  return new Map(entriesOf(text).map(([key, value]) => [key, Number(value)]));
}

/** Whether it is a whole text of JSON, which reading it item by item does not tell. */
function isDictionary(text: unknown): boolean {
  try {
    return isPlainObject(JSON.parse(text as string));
  } catch {
    return false;
  }
}

function byIndex(counts: ReadonlyMap<string, number>): Map<number, number> {
  return new Map(Array.from(counts, ([index, count]) => [Number(index), count]));
}

const dictionaries = ["word_counts", "word_docs", "index_docs", "index_word", "word_index"] as const;

function parsed(json: string | TokenizerJson): TokenizerJson {
  const found: unknown = typeof json === "string" ? parse(json) : json;
  const config = (found as TokenizerJson | null)?.config;
  if (typeof config !== "object" || config === null || dictionaries.some((name) => typeof config[name] !== "string")) {
    throw notATokenizer(`it is ${kindOf(found)} without the config of one`);
  }
  const broken = dictionaries.find((name) => !isDictionary(config[name]));
  if (broken !== undefined) throw notATokenizer(`its ${broken} is no text of a JSON object`);
  if (!Number.isInteger(config.document_count)) throw notATokenizer("its document_count is no whole number");
  return found as TokenizerJson;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw notATokenizer("it is no JSON", error);
  }
}

function notATokenizer(why: string, cause?: unknown): FlockError {
  const message = `This is no tokenizer's JSON: ${why}. Give what toJSON, or Keras's to_json, made.`;
  return new FlockError("FLOCK_ML_INPUT", message, cause === undefined ? undefined : { cause });
}
