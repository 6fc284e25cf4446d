// Tags Stack Overflow posts: text to numbers, a convolutional network trained on a worker, curves as they come, predictions at several
// thresholds, and a bag of words beside it. The constants are those of the article on the DC/OS Data Science Engine.
//   npx tsx examples/stackoverflow-tagger.ts                    # some minutes on two cores, native or wasm
//   npx tsx examples/stackoverflow-tagger.ts --posts 1000 --tags 8 --length 60 --embedding 16 --filters 32    # a minute
//   npx tsx examples/stackoverflow-tagger.ts --address HOST:8786 --gpus 1 --data s3://bucket/Questions.Stratified.Final.2000.parquet
import { parseArgs } from "node:util";
import {
  Client,
  createMetric,
  type Epoch,
  earlyStopping,
  fitBagOfWords,
  formatThresholdTable,
  LocalCluster,
  labelWeights,
  modelCheckpoint,
  padSequences,
  predictBagOfWords,
  reduceLROnPlateau,
  type TensorBackend,
  Tokenizer,
  type TrainTaskOptions,
  thresholdTable,
  trainTestSplit,
} from "taskflock";
import { kimCnn } from "./stackoverflow/model.ts";
import { madePosts, savedPosts } from "./stackoverflow/posts.ts";

const { values: flags } = parseArgs({
  options: {
    posts: { type: "string", default: "4000" }, // rows; with --data at most so many, all by default
    tags: { type: "string", default: "20" }, // of the generated posts
    data: { type: "string" }, // Parquet files instead of generated posts
    length: { type: "string", default: "200" },
    words: { type: "string", default: "10000" },
    embedding: { type: "string", default: "50" },
    filters: { type: "string", default: "128" },
    batch: { type: "string", default: "64" },
    epochs: { type: "string", default: "4" },
    seed: { type: "string", default: "1337" },
    address: { type: "string" }, // of a cluster that runs; default: one of this machine, for this program
    gpus: { type: "string", default: "0" }, // that the training asks for
    workers: { type: "string", default: "1" }, // that compute one batch together
    backend: { type: "string" },
    checkpoints: { type: "string" }, // a folder or s3://…, that all workers see
    save: { type: "string" }, // where the model goes
    resume: { type: "boolean", default: false }, // goes on with what lies in --checkpoints
    json: { type: "boolean", default: false }, // one line of JSON at the end
    help: { type: "boolean", default: false },
  },
});
if (flags.help) {
  const others = ["--data", "--address", "--backend", "--checkpoints", "--save", "--resume", "--json"];
  const numbers = Object.entries(flags).flatMap(([name, value]) =>
    typeof value === "string" ? `--${name} ${value}` : [],
  );
  console.log(`Flags with their defaults: ${numbers.join(", ")}\nand, without: ${others.join(", ")}`);
  process.exit();
}
const number = (
  name:
    | "posts"
    | "tags"
    | "length"
    | "words"
    | "embedding"
    | "filters"
    | "batch"
    | "epochs"
    | "seed"
    | "gpus"
    | "workers",
): number => {
  const value = Number(flags[name]);
  if (!Number.isInteger(value) || value < 0) throw new Error(`--${name} takes a whole number, not ${flags[name]}`);
  return value;
};
const [length, batchSize, seed] = [number("length"), number("batch"), number("seed")];

const { texts, tags, index } =
  flags.data === undefined
    ? madePosts({ posts: number("posts"), tags: number("tags"), words: length, seed })
    : await savedPosts(flags.data, batchSize * length);
const y = index.encode(tags);
console.log(`${texts.length.toLocaleString("en")} posts, ${index.indexTag.length} tags`);

const rows = Int32Array.from(texts, (_, row) => row);
const split = trainTestSplit({ data: rows, shape: [rows.length, 1] }, y, { testSize: 0.2, seed });
const [trainTexts, testTexts] = [split.XTrain, split.XTest].map(({ data }) =>
  Array.from(data, (row) => texts[row] ?? ""),
);
const tokenizer = new Tokenizer({ numWords: number("words"), oovToken: "__PAD__" });
tokenizer.fitOnTexts(trainTexts ?? []);
const numbers = (some: typeof trainTexts = []) =>
  padSequences(tokenizer.textsToSequences(some), { maxLen: length, padding: "post", truncating: "post", value: 1 });
const [x, xTest] = [numbers(trainTexts), numbers(testTexts)];

const cluster =
  flags.address === undefined ? await LocalCluster.start({ workers: Math.max(2, number("workers")) }) : null;
const client = cluster === null ? await Client.connect(flags.address) : await cluster.connect();

const optional: TrainTaskOptions & {
  backend?: TensorBackend;
  checkpoints?: string;
  workers?: number;
  resumeFrom?: true;
} = {};
if (number("gpus") > 0) Object.assign(optional, { resources: { GPU: number("gpus") } });
if (flags.backend !== undefined) Object.assign(optional, { backend: flags.backend });
if (flags.checkpoints !== undefined) Object.assign(optional, { checkpoints: flags.checkpoints });
if (flags.resume) Object.assign(optional, { resumeFrom: true });
if (number("workers") > 1) Object.assign(optional, { workers: number("workers") });

const monitor = "valCategoricalAccuracy";
const run = client.train({
  name: "stackoverflow tagger",
  model: kimCnn,
  params: {
    ...{ words: number("words"), length, embedding: number("embedding"), filters: number("filters") },
    ...{ sizes: [3, 4, 5], dropout: 0.1, tags: index.indexTag.length },
  },
  data: { x, y: split.yTrain },
  validationData: { x: xTest, y: split.yTest },
  classWeight: labelWeights(split.yTrain),
  ...{ epochs: number("epochs"), batchSize, seed },
  metrics: ["categoricalAccuracy", "precision", "recall", "f1", "auc"],
  monitor,
  callbacks: [
    reduceLROnPlateau({ monitor, factor: 0.1, patience: 1 }),
    earlyStopping({ monitor, patience: 2 }),
    ...(flags.checkpoints === undefined ? [] : [modelCheckpoint("best", { monitor, saveBestOnly: true })]),
  ],
  ...optional,
});

const shown = ({ epoch, epochs, logs, seconds, best, worker }: Epoch): string => {
  const figures = ["loss", "valLoss", "valPrecision", "valRecall", "valF1", "valAuc", monitor];
  const texts = figures.map((name) => `${name} ${(logs[name] ?? Number.NaN).toFixed(4)}`);
  return `epoch ${epoch}/${epochs}  ${texts.join("  ")}  ${seconds.toFixed(1)} s on ${worker}${best ? "  best so far" : ""}`;
};
for await (const epoch of run) console.log(shown(epoch));

const { model, best, backend, history } = await run.result();
console.log(await model.summary());
console.log(
  `computed by ${backend.backend}${backend.device === null ? "" : ` on ${backend.device}`}; best epoch: ${best?.epoch}`,
);

const predicted = await model.predict(xTest, { batchSize });
const table = thresholdTable(tokenizer.sequencesToTexts(xTest), split.yTest, predicted, {
  tags: index.indexTag,
  thresholds: [0.3, 0.5, 0.7],
});
console.log(formatThresholdTable(table).split("\n").slice(0, 20).join("\n"));

/** F1 over all tags, at the threshold that is best on the posts it was trained on. */
const f1Of = (threshold: number, actual: typeof y, scores: typeof predicted): number => {
  const f1 = createMetric({ name: "f1", threshold });
  f1.update(actual, scores);
  return f1.result();
};
const bestThreshold = (scores: typeof predicted): number => {
  const thresholds = Array.from({ length: 19 }, (_, step) => (step + 1) / 20);
  const by = thresholds.map((threshold) => f1Of(threshold, split.yTrain, scores));
  return thresholds[by.indexOf(Math.max(...by))] ?? 0.5;
};
const words = await client.call(fitBagOfWords, [trainTexts ?? [], split.yTrain, { numWords: number("words") }]);
const networkAt = bestThreshold(await model.predict(x, { batchSize }));
const wordsAt = bestThreshold(predictBagOfWords(words, trainTexts ?? []));
const networkF1 = f1Of(networkAt, split.yTest, predicted);
const wordsF1 = f1Of(wordsAt, split.yTest, predictBagOfWords(words, testTexts ?? []));
console.log(
  `F1 on unseen posts: network ${networkF1.toFixed(4)} (threshold ${networkAt}), bag of words ${wordsF1.toFixed(4)} (${wordsAt})`,
);

if (flags.save !== undefined) await model.save(flags.save);
if (flags.json)
  console.log(
    JSON.stringify({
      backend: backend.backend,
      losses: history.map(({ logs }) => logs["loss"]),
      networkF1,
      wordsF1,
      best: best?.epoch,
    }),
  );
await client.close();
await cluster?.close();
