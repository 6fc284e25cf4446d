// An estimator of one's own as an object of functions: the nearest centroid, searched over its distance. `fit` and `predict` run on
// the workers, and travel with what they use of this file. A parameter may be a function. Run it with: npx tsx examples/own-estimator.ts

import { estimator, formatResults, LocalCluster, loadDigits } from "taskflock";

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const squared = (a: number, b: number) => (a - b) ** 2;
const absolute = (a: number, b: number) => Math.abs(a - b);

const nearestCentroid = estimator({
  name: "nearestCentroid",
  params: { distance: squared },
  fit: (X, y, { distance }) => {
    const classes = [...new Set(y)].sort();
    const centroids = classes.map((label) => {
      const rows = Array.from(y, (_, row) => row).filter((row) => y[row] === label);
      return Float64Array.from({ length: X.cols }, (_, column) =>
        mean(rows.map((row) => X.data[row * X.cols + column] ?? 0)),
      );
    });
    // The model is what predict needs, of the parameters too.
    return { distance, classes, centroids };
  },
  predict: ({ distance, classes, centroids }, X) =>
    Array.from({ length: X.rows }, (_, row) => {
      const distances = centroids.map((centroid) =>
        centroid.reduce((sum, value, column) => sum + distance(value, X.data[row * X.cols + column] ?? 0), 0),
      );
      return classes[distances.indexOf(Math.min(...distances))] ?? "";
    }),
});

const cluster = await LocalCluster.start({ workers: 2 });
const client = await cluster.connect();
const { data, target } = loadDigits();
const found = await client
  .gridSearch({ estimator: nearestCentroid, params: { distance: [squared, absolute] }, X: data, y: target, cv: 5 })
  .result();
console.log(formatResults(found.cvResults));
console.log("best", found.bestParams, found.bestEstimator.score(data, target).toFixed(4));
await client.close();
await cluster.close();
