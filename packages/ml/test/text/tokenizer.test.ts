import { describe, expect, it } from "vitest";
import {
  type CsrMatrix,
  type MatrixMode,
  padSequences,
  Tokenizer,
  type TokenizerOptions,
  textToWords,
} from "../../src/index.ts";
import { textReference } from "./reference.ts";

type Case = (typeof textReference.tokenizer)[number];

function fitted({ options, texts, refit }: Case): Tokenizer {
  const tokenizer = new Tokenizer(options);
  tokenizer.fitOnTexts(texts);
  if (refit !== null) tokenizer.fitOnTexts(refit);
  return tokenizer;
}

/** Everything that a tokenizer knows, where Keras's order is by chance in one order. */
function known(tokenizer: Tokenizer): object {
  const sorted = <K extends string | number>(map: Map<K, unknown>): unknown[] =>
    [...map].sort(([a], [b]) => (a < b ? -1 : Number(a > b)));
  return {
    wordCounts: [...tokenizer.wordCounts],
    wordDocs: sorted(tokenizer.wordDocs),
    wordIndex: [...tokenizer.wordIndex],
    indexWord: sorted(tokenizer.indexWord),
    indexDocs: sorted(tokenizer.indexDocs),
    documentCount: tokenizer.documentCount,
  };
}

// Python sorts texts by code point, which for these words is the order of code units, too.
const expectedOf = ({ wordCounts, wordDocs, wordIndex, indexWord, indexDocs, documentCount }: Case): object => ({
  ...{ wordCounts, wordDocs, wordIndex, indexWord, indexDocs, documentCount },
});

const valuesOf = ({ rows, indptr, indices, data }: CsrMatrix): [number, number, number][] =>
  Array.from({ length: rows }, (_, row) =>
    Array.from(indices.subarray(indptr[row], indptr[row + 1]), (col, k): [number, number, number] => [
      row,
      col,
      data[(indptr[row] ?? 0) + k] ?? Number.NaN,
    ]),
  ).flat();

describe("Tokenizer is Keras's", () => {
  const cases = textReference.tokenizer.map((one) => [JSON.stringify(one.options), one] as const);

  it.each(cases)("learns the same words with %s", (_, one) => {
    expect(known(fitted(one))).toEqual(expectedOf(one));
  });

  it.each(cases)("makes the same sequences, and texts of them, with %s", (_, one) => {
    const tokenizer = fitted(one);
    expect(tokenizer.textsToSequences([...one.texts, ...one.unseen])).toEqual(one.sequences);
    expect(tokenizer.sequencesToTexts([...one.sequences, ...one.indices])).toEqual(one.back);
  });

  it.each(cases)("makes the same matrices with %s", (_, one) => {
    const tokenizer = fitted(one);
    for (const [mode, { shape, values }] of Object.entries(one.matrices)) {
      const sparse = tokenizer.textsToCsr([...one.texts, ...one.unseen], mode as MatrixMode);
      expect([sparse.rows, sparse.cols]).toEqual(shape);
      expect(valuesOf(sparse)).toEqual(values.map(([row, col, value]) => [row, col, expect.closeTo(value, 12)]));
      const dense = tokenizer.textsToMatrix([...one.texts, ...one.unseen], mode as MatrixMode);
      expect(dense.shape).toEqual(shape);
      const found = [...dense.data.entries()].filter(([, value]) => value !== 0);
      expect(found).toEqual(values.map(([row, col, value]) => [row * shape[1] + col, Math.fround(value)]));
    }
  });

  it.each(cases)("reads Keras's JSON, and writes the same, with %s", (_, one) => {
    const read = Tokenizer.fromJSON(one.json);
    expect(known(read)).toEqual(expectedOf(one));
    expect(read.textsToSequences(one.unseen)).toEqual(one.sequences.slice(one.texts.length));
    const plain = (json: string): unknown => {
      const { config, ...rest } = JSON.parse(json) as { config: Record<string, unknown> };
      // Python writes sets of words in no order of its own; the counts' order matters, and is compared above.
      const sorted = Object.entries(config).map(([name, value]) =>
        /^(word|index)_/.test(name) ? [name, JSON.parse(value as string)] : [name, value],
      );
      return { ...rest, config: Object.fromEntries(sorted) };
    };
    const written = JSON.stringify(fitted(one));
    expect(plain(written)).toEqual(plain(one.json));
    expect(known(Tokenizer.fromJSON(written))).toEqual(expectedOf(one));
  });

  it.each(textReference.words)("splits $text", ({ text, words }) => {
    expect(textToWords(text)).toEqual(words);
  });
});

describe("Tokenizer", () => {
  it("keeps words that look like numbers in the order of first sight through JSON", () => {
    const tokenizer = new Tokenizer();
    tokenizer.fitOnTexts(["b 7 a 2020"]);
    const read = Tokenizer.fromJSON(JSON.stringify(tokenizer));
    read.fitOnTexts(["c"]);
    expect([...read.wordIndex.keys()]).toEqual(["b", "7", "a", "2020", "c"]);
  });

  it("writes words with quotes, line separators and colons so that they come back", () => {
    const words = ['say "x": 1', "back\\slash", "line\u2028end", "{a}", "é"];
    const tokenizer = new Tokenizer({ lower: false });
    tokenizer.fitOnTexts([words]);
    expect([...Tokenizer.fromJSON(JSON.stringify(tokenizer)).wordIndex.keys()]).toEqual(words);
  });

  it("makes texts of the rows of a tensor", () => {
    const tokenizer = new Tokenizer();
    tokenizer.fitOnTexts(["a b b"]);
    const rows = padSequences(tokenizer.textsToSequences(["a b", "b"]), { maxLen: 2 });
    expect(tokenizer.sequencesToTexts(rows)).toEqual(["a b", "b"]);
  });

  it("takes undefined for the default", () => {
    const options = { numWords: undefined, lower: undefined } as unknown as TokenizerOptions;
    expect(new Tokenizer(options).options).toEqual(new Tokenizer().options);
  });

  it.each([
    [{ numWords: 0 }, "Tokenizer: numWords must be a whole number above 0, or null, but is 0."],
    [{ split: "" }, 'Tokenizer: split must be a text that is not empty, but is "".'],
    [
      { num_words: 3 },
      'Tokenizer: there is no parameter "num_words"; it has numWords, filters, lower, split, charLevel, oovToken.',
    ],
  ])("refuses %j", (options, message) => {
    expect(() => new Tokenizer(options as TokenizerOptions)).toThrowError(
      expect.objectContaining({ code: "FLOCK_OPTION_INVALID", message }),
    );
  });

  it("refuses what is no list of texts", () => {
    const tokenizer = new Tokenizer();
    expect(() => tokenizer.fitOnTexts("one text")).toThrowError("The texts are one text. Give an array of texts.");
    expect(() => tokenizer.fitOnTexts(["a", 3 as unknown as string])).toThrowError(
      "Text 1 is 3, neither a text nor an array of words.",
    );
    const rubbish: (() => unknown)[] = [
      () => tokenizer.fitOnTexts(undefined as never),
      () => tokenizer.textsToSequences(7 as never),
      () => tokenizer.sequencesToTexts([1, 2] as never),
      () => tokenizer.sequencesToTexts(undefined as never),
    ];
    for (const call of rubbish) expect(call).toThrowError(expect.objectContaining({ code: "FLOCK_ML_INPUT" }));
    expect(() => new Tokenizer(null as never)).toThrowError("Tokenizer: the options are null.");
    expect(() => tokenizer.textsToMatrix(["a"], "tf" as "freq")).toThrowError('There is no mode "tf". Known: binary');
  });

  it.each(["binary", "tfidf"] as const)("refuses a %s matrix before it knows texts", (mode) => {
    expect(() => new Tokenizer().textsToMatrix(["a"], mode)).toThrowError(
      expect.objectContaining({
        code: "FLOCK_ML_INPUT",
        message: "The tokenizer knows no texts yet. Call fitOnTexts first.",
      }),
    );
  });

  it("refuses a dictionary that is cut, and would be read in part", () => {
    const tokenizer = new Tokenizer();
    tokenizer.fitOnTexts(["a b c"]);
    const json = tokenizer.toJSON();
    const changed = (config: object) => () => Tokenizer.fromJSON({ ...json, config: { ...json.config, ...config } });
    const cut = json.config.word_index.slice(0, 8);
    expect(changed({})().wordIndex.size).toBe(3);
    expect(changed({ word_index: cut })).toThrowError("its word_index is no text of a JSON object");
    expect(changed({ document_count: "1" })).toThrowError("its document_count is no whole number");
  });

  it.each(["{", "3", '{"config":{}}'])("refuses %s as JSON", (json) => {
    expect(() => Tokenizer.fromJSON(json)).toThrowError(
      expect.objectContaining({
        code: "FLOCK_ML_INPUT",
        message: expect.stringContaining("This is no tokenizer's JSON"),
      }),
    );
  });
});
