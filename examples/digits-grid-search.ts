// A distributed grid search over real data: 18 candidates, 3 folds, 1,797 handwritten digits.
// Run it with: npx tsx examples/digits-grid-search.ts

import { accuracyScore, formatResults, LocalCluster, loadDigits, progress, svc, takeRows } from "taskflock";

const cluster = await LocalCluster.start({ workers: 2 });
const client = await cluster.connect();
console.log(`Watch it: ${await cluster.dashboardLink()}`);

const { data, target, split7030 } = loadDigits();
const params = { C: [1e-4, 1, 1e4], gamma: [1e-3, 1, 1e3], classWeight: [null, "balanced" as const] };

// All rows: the table of the Dask talk.
const search = client.gridSearch({ estimator: svc({ kernel: "rbf" }), params, X: data, y: target, cv: 3 });
await progress(search);
const found = await search.result();
console.log(formatResults(found.cvResults));
console.log("best", found.bestParams, found.bestScore.toFixed(4));

// Search on 70 % of the rows, test on the 30 % that the search never saw.
const labels = (rows: Int32Array) => Int32Array.from(rows, (row) => target[row] ?? 0);
const trained = await client
  .gridSearch({
    estimator: svc({ kernel: "rbf" }),
    params,
    X: takeRows(data, split7030.train),
    y: labels(split7030.train),
    cv: 3,
  })
  .result();
const predicted = trained.bestEstimator.predict(takeRows(data, split7030.test));
console.log("test accuracy", accuracyScore(labels(split7030.test), predicted).toFixed(4));

await client.close();
await cluster.close();
