// An estimator written as a class, as scikit-learn's are: parameters in the constructor, the model in the instance's fields. The
// class travels with what it uses, here a function of this file. Run it with: npx tsx examples/class-estimator.ts

import { formatResults, type Labels, LocalCluster, loadDigits, type Matrix } from "taskflock";

const column = (X: Matrix, rows: readonly number[], at: number): number[] =>
  rows.map((row) => X.data[row * X.cols + at] ?? 0).sort((a, b) => a - b);

class NearestCentroid {
  /** Every parameter with its default. */
  static readonly params = { metric: "euclidean" as "euclidean" | "manhattan" };

  readonly params: typeof NearestCentroid.params;
  classes: (number | string)[] = [];
  centroids: Float64Array[] = [];

  constructor(params: typeof NearestCentroid.params) {
    this.params = params;
  }

  fit(X: Matrix, y: Labels): void {
    this.classes = [...new Set(y)].sort();
    this.centroids = this.classes.map((label) => {
      const rows = Array.from(y, (_, row) => row).filter((row) => y[row] === label);
      return Float64Array.from({ length: X.cols }, (_, at) => this.#middle(column(X, rows, at)));
    });
  }

  predict(X: Matrix): (number | string)[] {
    const power = this.params.metric === "manhattan" ? 1 : 2;
    return Array.from({ length: X.rows }, (_, row) => {
      const distances = this.centroids.map((centroid) =>
        centroid.reduce((sum, value, at) => sum + Math.abs(value - (X.data[row * X.cols + at] ?? 0)) ** power, 0),
      );
      return this.classes[distances.indexOf(Math.min(...distances))] ?? "";
    });
  }

  /** The point with the least sum of distances: the mean of squared ones, the median of absolute ones. */
  #middle(sorted: readonly number[]): number {
    if (this.params.metric === "manhattan") return sorted[Math.floor(sorted.length / 2)] ?? 0;
    return sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  }
}

const cluster = await LocalCluster.start({ workers: 2 });
const client = await cluster.connect();
const { data, target } = loadDigits();
const found = await client
  .gridSearch({ estimator: NearestCentroid, params: { metric: ["euclidean", "manhattan"] }, X: data, y: target, cv: 5 })
  .result();
console.log(formatResults(found.cvResults));
const { model } = found.bestEstimator; // a fitted NearestCentroid
console.log("best", found.bestParams, "with", model.centroids.length, "centroids");
await client.close();
await cluster.close();
