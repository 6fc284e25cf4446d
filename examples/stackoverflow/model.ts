// Kim's convolutional network for sentences (Y. Kim 2014, "Convolutional Neural Networks for Sentence Classification"), with one output
// per tag.
import type { LayersModel, SymbolicTensor } from "@tensorflow/tfjs";
import type { TensorFlow } from "taskflock";

export interface KimCnn {
  /** Words of the vocabulary, without the 0 that pads. */
  readonly words: number;
  /** Words of a post. */
  readonly length: number;
  readonly embedding: number;
  readonly filters: number;
  /** Words that a filter sees. */
  readonly sizes: readonly number[];
  readonly dropout: number;
  readonly tags: number;
  readonly learningRate: number;
}

export function kimCnn(how: KimCnn, tf: TensorFlow): LayersModel {
  const { layers } = tf;
  const input = tf.input({ shape: [how.length], dtype: "int32" });
  const embedded = layers
    .embedding({ inputDim: how.words + 1, outputDim: how.embedding, inputLength: how.length })
    .apply(input) as SymbolicTensor;
  const image = layers.reshape({ targetShape: [how.length, how.embedding, 1] }).apply(embedded) as SymbolicTensor;
  const strongest = how.sizes.map((size) => {
    const convolution = layers.conv2d({
      filters: how.filters,
      kernelSize: [size, how.embedding],
      kernelInitializer: "glorotNormal",
      activation: "selu",
    });
    const pool = layers.maxPooling2d({ poolSize: [how.length - size + 1, 1], strides: [1, 1] });
    return pool.apply(convolution.apply(image)) as SymbolicTensor;
  });
  const flat = layers.flatten().apply(layers.concatenate({ axis: -1 }).apply(strongest)) as SymbolicTensor;
  const kept = layers.dropout({ rate: how.dropout }).apply(flat);
  const output = layers.dense({ units: how.tags, activation: "sigmoid" }).apply(kept) as SymbolicTensor;
  const model = tf.model({ inputs: input, outputs: output });
  model.compile({ optimizer: tf.train.adam(how.learningRate), loss: "binaryCrossentropy" });
  return model;
}
