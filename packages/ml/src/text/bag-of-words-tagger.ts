// What a model of texts must beat: one logistic regression per tag on tf-idf, which knows words but not their order.

import { FlockError } from "@taskflock/protocol/words";
import { count, positive } from "../estimators/parameter-checks.ts";
import {
  fitSparseLogistic,
  type LogisticWeights,
  type SparseLogisticParams,
  sparseProbabilities,
} from "../estimators/sparse-logistic.ts";
import { kindOf } from "../kinds.ts";
import type { CsrMatrix } from "../matrix.ts";
import { resolveOptions } from "../options.ts";
import { checkedTensor, rowSize } from "../tensors.ts";
import type { Tensor } from "../training/types.ts";
import { type Text, Tokenizer } from "./tokenizer.ts";
import type { TokenizerJson } from "./tokenizer-json.ts";

export interface BagOfWordsOptions {
  /** The `numWords - 1` most frequent words count; default 10,000. */
  readonly numWords?: number;
  /** Inverse of the penalty's strength; default 10. */
  readonly C?: number;
  /** The largest component of the gradient at the end; default 0.01. */
  readonly tol?: number;
  /** Default 100. */
  readonly maxIter?: number;
}

/** Plain data: it travels, and is saved as it is. */
export interface BagOfWordsTagger {
  readonly tokenizer: TokenizerJson;
  /** For each tag a weight per word, then the intercept. */
  readonly weights: readonly LogisticWeights[];
}

const defaults: Required<BagOfWordsOptions> = { numWords: 10_000, C: 10, tol: 0.01, maxIter: 100 };
const checks = { numWords: count, C: positive, tol: positive, maxIter: count };

/** Fits a baseline on texts and their tags as rows of 0 and 1. Throws FLOCK_ML_INPUT or FLOCK_OPTION_INVALID. */
export function fitBagOfWords(texts: readonly Text[], y: Tensor, options: BagOfWordsOptions = {}): BagOfWordsTagger {
  const all = resolveOptions<Required<BagOfWordsOptions>>("fitBagOfWords", options, defaults, checks);
  const labels = rowSize(checkedTensor(y, "y"));
  const odd = y.data.findIndex((value: number) => value !== 0 && value !== 1);
  if (odd >= 0) throw new FlockError("FLOCK_ML_INPUT", `y has the value ${y.data[odd]}. Give 1 for a tag, 0 for none.`);
  if (!Array.isArray(texts)) throw new FlockError("FLOCK_ML_INPUT", `The texts are ${kindOf(texts)}. Give an array.`);
  if (texts.length !== y.shape[0] || texts.length === 0) {
    throw new FlockError(
      "FLOCK_ML_INPUT",
      `There are ${texts.length} texts for ${y.shape[0]} rows of y. Give one row per text.`,
    );
  }
  const tokenizer = new Tokenizer({ numWords: all.numWords });
  tokenizer.fitOnTexts(texts);
  const X = unitRows(tokenizer.textsToCsr(texts, "tfidf"));
  const params: SparseLogisticParams = all;
  const weights = Array.from({ length: labels }, (_, label) =>
    fitSparseLogistic(
      X,
      Uint8Array.from(texts, (_text, row) => y.data[row * labels + label] as number),
      params,
    ),
  );
  return { tokenizer: tokenizer.toJSON(), weights };
}

/** The probability of each tag for each text. */
export function predictBagOfWords({ tokenizer, weights }: BagOfWordsTagger, texts: readonly Text[]): Tensor {
  const X = unitRows(Tokenizer.fromJSON(tokenizer).textsToCsr(texts, "tfidf"));
  const data = new Float32Array(X.rows * weights.length);
  for (const [label, own] of weights.entries()) {
    for (const [row, probability] of sparseProbabilities(X, own).entries())
      data[row * weights.length + label] = probability;
  }
  return { data, shape: [X.rows, weights.length] };
}

/** Every row with length 1, so that long texts do not count more than short ones. */
function unitRows(X: CsrMatrix): CsrMatrix {
  const data = Float64Array.from(X.data);
  for (let row = 0; row < X.rows; row++) {
    const own = data.subarray(X.indptr[row], X.indptr[row + 1]);
    const length = Math.sqrt(own.reduce((sum, value) => sum + value * value, 0));
    for (let k = 0; k < own.length; k++) own[k] = (own[k] as number) / length;
  }
  return { ...X, data };
}
