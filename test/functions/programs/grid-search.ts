// A search whose estimator and scorer are closures; InlineExecutor tells what it must find.
import { estimator, gridSearch, InlineExecutor, type Scorer } from "taskflock";
import { program } from "../program.ts";

const penalty = new Map([
  [0, 1],
  [1, 3],
]);
const penaltyOf = (label: number) => penalty.get(label) ?? 0;
const centre = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

const nearest = estimator({
  name: "nearest",
  params: { column: 0 },
  fit: (X, y, { column }) => {
    const meanOf = (label: number) =>
      centre(Array.from(y).flatMap((value, row) => (value === label ? [X.data[row * X.cols + column] ?? 0] : [])));
    return { column, cut: centre([meanOf(0), meanOf(1)]) };
  },
  predict: ({ column, cut }, X) =>
    Int32Array.from({ length: X.rows }, (_, row) => ((X.data[row * X.cols + column] ?? 0) > cut ? 1 : 0)),
});

const cheapest: Scorer = (yTrue, yPred) =>
  -Array.from(yTrue).reduce(
    (sum: number, label, row) => (label === yPred[row] ? sum : sum + penaltyOf(Number(label))),
    0,
  );

const search = {
  estimator: nearest,
  params: { column: [0, 1] },
  X: [
    [0, 5],
    [1, 9],
    [0, 7],
    [8, 6],
    [9, 8],
    [7, 7],
  ],
  y: [0, 0, 0, 1, 1, 1],
  cv: 3,
  scoring: cheapest,
};

const inline = gridSearch(new InlineExecutor(), search).result();

program(
  "grid-search",
  inline.then(({ bestParams, bestScore, cvResults }) => [bestParams, bestScore, [...cvResults.meanTestScore]]),
  async (client) => {
    const { bestParams, bestScore, cvResults } = await client.gridSearch(search).result();
    return [bestParams, bestScore, [...cvResults.meanTestScore]];
  },
);
