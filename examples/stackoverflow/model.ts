// The network of the article: Kim's convolutions of several widths (Y. Kim 2014, "Convolutional Neural Networks for Sentence
// Classification"), one more convolution over what they found, and one output per tag.
import type { LayersModel, SymbolicTensor } from "@tensorflow/tfjs";
import type { TensorFlow } from "taskflock";

export interface KimCnn {
  /** Numbers that stand for words. */
  readonly words: number;
  /** Words of a post. */
  readonly length: number;
  readonly embedding: number;
  readonly filters: number;
  /** How many words a filter sees. */
  readonly sizes: readonly number[];
  readonly dropout: number;
  readonly tags: number;
}

export function kimCnn(how: KimCnn, tf: TensorFlow): LayersModel {
  const { layers } = tf;
  const input = tf.input({ shape: [how.length], dtype: "int32" });
  const embedding = layers.embedding({
    inputDim: how.words,
    outputDim: how.embedding,
    inputLength: how.length,
    embeddingsInitializer: "randomUniform",
  });
  const embedded = layers.dropout({ rate: how.dropout }).apply(embedding.apply(input)) as SymbolicTensor;
  const widths = how.sizes.map((kernelSize) => {
    const convolution = layers.conv1d({ filters: how.filters, kernelSize, padding: "same", activation: "selu" });
    return layers.maxPooling1d({ poolSize: 2 }).apply(convolution.apply(embedded)) as SymbolicTensor;
  });
  const found = layers.concatenate({ axis: 1 }).apply(widths);
  const summed = layers.conv1d({ filters: how.filters, kernelSize: 5, activation: "selu" }).apply(found);
  const strongest = layers.dropout({ rate: how.dropout }).apply(layers.globalMaxPooling1d({}).apply(summed));
  const dense = layers.dense({ units: how.filters, activation: "selu" }).apply(strongest);
  const output = layers.dense({ units: how.tags, activation: "sigmoid" }).apply(dense) as SymbolicTensor;
  const model = tf.model({ inputs: input, outputs: output });
  model.compile({ optimizer: "adam", loss: "binaryCrossentropy" });
  return model;
}
