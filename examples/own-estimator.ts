// An estimator of one's own: the nearest centroid, searched over its metric. `fit` and `predict` run on the workers, so they use
// only their arguments. Run it with: npx tsx examples/own-estimator.ts

import { estimator, LocalCluster, loadDigits } from "taskflock";

const nearestCentroid = estimator({
  name: "nearestCentroid",
  params: { metric: "euclidean" as "euclidean" | "manhattan" },
  fit: (X, y) => {
    const classes = [...new Set(Array.from<number | string>(y))].sort();
    const centroids = classes.map((label) => {
      const rows = Array.from(y, (_, row) => row).filter((row) => y[row] === label);
      return Float64Array.from({ length: X.cols }, (_, column) =>
        rows.reduce((sum, row) => sum + (X.data[row * X.cols + column] ?? 0) / rows.length, 0),
      );
    });
    return { classes, centroids };
  },
  predict: ({ classes, centroids }, X) =>
    Array.from({ length: X.rows }, (_, row) => {
      const distances = centroids.map((centroid) =>
        centroid.reduce((sum, value, column) => sum + Math.abs(value - (X.data[row * X.cols + column] ?? 0)) ** 2, 0),
      );
      return classes[distances.indexOf(Math.min(...distances))] ?? "";
    }) as string[],
});

const cluster = await LocalCluster.start({ workers: 2 });
const client = await cluster.connect();
const { data, target } = loadDigits();
const found = await client
  .gridSearch({ estimator: nearestCentroid, params: { metric: ["euclidean", "manhattan"] }, X: data, y: target, cv: 5 })
  .result();
console.log(found.bestParams, found.bestScore.toFixed(4));
await client.close();
await cluster.close();
