// An estimator of one's own: the nearest centroid, searched over its metric. `fit` and `predict` run on the workers, so they use
// only their arguments; what `predict` needs of the parameters, `fit` puts into the model. Run it with: npx tsx examples/own-estimator.ts

import { estimator, LocalCluster, loadDigits } from "taskflock";

const nearestCentroid = estimator({
  name: "nearestCentroid",
  params: { metric: "euclidean" as "euclidean" | "manhattan" },
  fit: (X, y, { metric }) => {
    const classes = [...new Set(y)].sort();
    const centroids = classes.map((label) => {
      const rows = Array.from(y, (_, row) => row).filter((row) => y[row] === label);
      return Float64Array.from({ length: X.cols }, (_, column) => {
        const values = rows.map((row) => X.data[row * X.cols + column] ?? 0).sort((a, b) => a - b);
        // The point with the least sum of distances: the mean of squared ones, the median of absolute ones.
        if (metric === "manhattan") return values[Math.floor(values.length / 2)] ?? 0;
        return values.reduce((sum, value) => sum + value, 0) / values.length;
      });
    });
    return { metric, classes, centroids };
  },
  predict: ({ metric, classes, centroids }, X) => {
    const power = metric === "manhattan" ? 1 : 2;
    return Array.from({ length: X.rows }, (_, row) => {
      const distances = centroids.map((centroid) =>
        centroid.reduce(
          (sum, value, column) => sum + Math.abs(value - (X.data[row * X.cols + column] ?? 0)) ** power,
          0,
        ),
      );
      return classes[distances.indexOf(Math.min(...distances))] ?? "";
    });
  },
});

const cluster = await LocalCluster.start({ workers: 2 });
const client = await cluster.connect();
const { data, target } = loadDigits();
const found = await client
  .gridSearch({ estimator: nearestCentroid, params: { metric: ["euclidean", "manhattan"] }, X: data, y: target, cv: 5 })
  .result();
for (const [index, params] of found.cvResults.params.entries())
  console.log(params, found.cvResults.meanTestScore[index]?.toFixed(4));
console.log("best", found.bestParams, found.bestScore.toFixed(4));
await client.close();
await cluster.close();
