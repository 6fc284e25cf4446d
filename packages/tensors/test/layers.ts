// Layers that people train, each as a small model. Weights are drawn by seeded generators of the test.

import type { TensorFlow } from "@taskflock/tensors";
import type { layers as Layers, LayersModel } from "@tensorflow/tfjs";

type Layer = ReturnType<typeof Layers.dense>;

export interface LayerCase {
  readonly name: string;
  /** Without the batch. */
  readonly inputShape: readonly number[];
  /** Word numbers below this one are fed instead of fractions. */
  readonly words?: number;
  /** Default: 2. */
  readonly batch?: number;
  readonly build: (tf: TensorFlow) => readonly unknown[] | LayersModel;
}

export const layerCases: readonly LayerCase[] = [
  { name: "dense", inputShape: [5], build: ({ layers }) => [layers.dense({ units: 4, activation: "tanh" })] },
  {
    name: "embedding",
    inputShape: [6],
    words: 9,
    build: ({ layers }) => [layers.embedding({ inputDim: 9, outputDim: 4 })],
  },
  {
    name: "embedding with a mask",
    inputShape: [6],
    words: 9,
    build: ({ layers }) => [layers.embedding({ inputDim: 9, outputDim: 4, maskZero: true }), layers.lstm({ units: 3 })],
  },
  {
    name: "conv1d",
    inputShape: [10, 3],
    build: ({ layers }) => [layers.conv1d({ filters: 4, kernelSize: 3, activation: "selu" })],
  },
  {
    name: "conv1d, strides 2, same padding",
    inputShape: [10, 3],
    build: ({ layers }) => [layers.conv1d({ filters: 4, kernelSize: 3, strides: 2, padding: "same" })],
  },
  {
    name: "conv2d",
    inputShape: [6, 7, 3],
    build: ({ layers }) => [layers.conv2d({ filters: 4, kernelSize: [3, 2], activation: "elu" })],
  },
  {
    name: "conv2d, strides 2, same padding",
    inputShape: [6, 7, 3],
    build: ({ layers }) => [layers.conv2d({ filters: 4, kernelSize: 3, strides: 2, padding: "same" })],
  },
  {
    name: "conv2dTranspose",
    inputShape: [4, 4, 3],
    build: ({ layers }) => [layers.conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2 })],
  },
  { name: "conv3d", inputShape: [4, 4, 4, 2], build: ({ layers }) => [layers.conv3d({ filters: 3, kernelSize: 2 })] },
  {
    name: "depthwiseConv2d",
    inputShape: [6, 6, 3],
    build: ({ layers }) => [layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, padding: "same" })],
  },
  {
    name: "separableConv2d",
    inputShape: [6, 6, 3],
    build: ({ layers }) => [layers.separableConv2d({ filters: 5, kernelSize: 3 })],
  },
  { name: "maxPooling1d", inputShape: [8, 3], build: ({ layers }) => [layers.maxPooling1d({ poolSize: 2 })] },
  {
    name: "maxPooling2d",
    inputShape: [8, 8, 3],
    build: ({ layers }) => [layers.maxPooling2d({ poolSize: 3, strides: 2, padding: "same" })],
  },
  { name: "averagePooling1d", inputShape: [8, 3], build: ({ layers }) => [layers.averagePooling1d({ poolSize: 2 })] },
  {
    // Without padding: with it the CPU backend's own gradient is wrong.
    name: "averagePooling2d",
    inputShape: [8, 8, 3],
    build: ({ layers }) => [layers.averagePooling2d({ poolSize: 3, strides: 2 })],
  },
  { name: "maxPooling3d", inputShape: [4, 4, 4, 2], build: ({ layers }) => [layers.maxPooling3d({ poolSize: 2 })] },
  {
    name: "averagePooling3d",
    inputShape: [4, 4, 4, 2],
    build: ({ layers }) => [layers.averagePooling3d({ poolSize: 2 })],
  },
  { name: "globalMaxPooling1d", inputShape: [8, 3], build: ({ layers }) => [layers.globalMaxPooling1d({})] },
  { name: "globalAveragePooling1d", inputShape: [8, 3], build: ({ layers }) => [layers.globalAveragePooling1d({})] },
  { name: "globalMaxPooling2d", inputShape: [4, 4, 3], build: ({ layers }) => [layers.globalMaxPooling2d({})] },
  { name: "globalAveragePooling2d", inputShape: [4, 4, 3], build: ({ layers }) => [layers.globalAveragePooling2d({})] },
  { name: "batchNormalization", inputShape: [5], batch: 6, build: ({ layers }) => [layers.batchNormalization({})] },
  {
    name: "batchNormalization of images",
    inputShape: [3, 3, 5],
    batch: 6,
    build: ({ layers }) => [layers.batchNormalization({})],
  },
  { name: "layerNormalization", inputShape: [7, 5], build: ({ layers }) => [layers.layerNormalization({})] },
  { name: "lstm", inputShape: [4, 3], build: ({ layers }) => [layers.lstm({ units: 5 })] },
  { name: "gru", inputShape: [4, 3], build: ({ layers }) => [layers.gru({ units: 5, returnSequences: true })] },
  { name: "simpleRNN", inputShape: [4, 3], build: ({ layers }) => [layers.simpleRNN({ units: 5 })] },
  {
    name: "bidirectional",
    inputShape: [4, 3],
    build: ({ layers }) => [layers.bidirectional({ layer: layers.lstm({ units: 3 }), mergeMode: "concat" })],
  },
  {
    name: "timeDistributed",
    inputShape: [4, 3],
    build: ({ layers }) => [layers.timeDistributed({ layer: layers.dense({ units: 2 }) })],
  },
  {
    name: "convLstm2d",
    inputShape: [3, 5, 5, 2],
    build: ({ layers }) => [
      layers.convLstm2d({ filters: 3, kernelSize: 3 } as Parameters<typeof layers.convLstm2d>[0]),
    ],
  },
  {
    name: "dropout",
    inputShape: [5],
    build: ({ layers }) => [layers.dense({ units: 4 }), layers.dropout({ rate: 0.5, seed: 3 })],
  },
  {
    name: "spatialDropout1d",
    inputShape: [5, 6],
    build: ({ layers }) => [layers.spatialDropout1d({ rate: 0.5, seed: 3 })],
  },
  { name: "flatten", inputShape: [4, 3], build: ({ layers }) => [layers.flatten(), layers.dense({ units: 2 })] },
  {
    name: "permute",
    inputShape: [4, 3],
    build: ({ layers }) => [layers.permute({ dims: [2, 1] }), layers.dense({ units: 2 })],
  },
  {
    name: "repeatVector",
    inputShape: [4],
    build: ({ layers }) => [layers.repeatVector({ n: 3 }), layers.dense({ units: 2 })],
  },
  { name: "zeroPadding2d", inputShape: [4, 4, 2], build: ({ layers }) => [layers.zeroPadding2d({ padding: 1 })] },
  // One image: of further ones the CPU backend itself computes the gradient wrongly.
  {
    name: "upSampling2d",
    inputShape: [4, 4, 2],
    batch: 1,
    build: ({ layers }) => [layers.upSampling2d({ size: [2, 2] })],
  },
  {
    name: "upSampling2d, bilinear",
    inputShape: [4, 4, 2],
    build: ({ layers }) => [layers.upSampling2d({ size: [2, 2], interpolation: "bilinear" })],
  },
  {
    name: "cropping2D",
    inputShape: [5, 5, 2],
    build: ({ layers }) => [
      layers.cropping2D({
        cropping: [
          [1, 1],
          [1, 1],
        ],
      }),
    ],
  },
  { name: "prelu", inputShape: [5], build: ({ layers }) => [layers.prelu({ alphaInitializer: "randomUniform" })] },
  { name: "leakyReLU", inputShape: [5], build: ({ layers }) => [layers.leakyReLU()] },
  { name: "several merged", inputShape: [5], build: merged },
  { name: "dot", inputShape: [4, 3], build: dotted },
  ...activations(),
];

function activations(): LayerCase[] {
  const names = [
    "relu",
    "relu6",
    "selu",
    "elu",
    "sigmoid",
    "hardSigmoid",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "mish",
  ];
  return names.map((activation) => ({
    name: `activation ${activation}`,
    inputShape: [5],
    build: ({ layers }: TensorFlow) => [layers.dense({ units: 4, activation: activation as "relu" })],
  }));
}

function merged(tf: TensorFlow): LayersModel {
  const { layers } = tf;
  const input = tf.input({ shape: [5] });
  const parts = ["linear", "sigmoid"].map((activation) =>
    layers.dense({ units: 4, activation: activation as "linear" }),
  );
  const two = parts.map((layer) => layer.apply(input)) as ReturnType<typeof tf.input>[];
  const kinds = [
    layers.add(),
    layers.multiply(),
    layers.average(),
    layers.maximum(),
    layers.minimum(),
    layers.concatenate(),
  ];
  const outputs = kinds.map((layer) => layer.apply(two)) as typeof two;
  return tf.model({ inputs: input, outputs: layers.concatenate().apply(outputs) as ReturnType<typeof tf.input> });
}

function dotted(tf: TensorFlow): LayersModel {
  const input = tf.input({ shape: [4, 3] });
  const other = tf.layers.dense({ units: 3 }).apply(input) as ReturnType<typeof tf.input>;
  const outputs = tf.layers.dot({ axes: -1 }).apply([input, other]) as ReturnType<typeof tf.input>;
  return tf.model({ inputs: input, outputs });
}

export function modelOf(tf: TensorFlow, { build, inputShape }: LayerCase): LayersModel {
  const built = build(tf);
  if (!Array.isArray(built)) return built as LayersModel;
  const model = tf.sequential({ layers: [tf.layers.inputLayer({ inputShape: [...inputShape] })] });
  for (const layer of built as Layer[]) model.add(layer);
  return model;
}
