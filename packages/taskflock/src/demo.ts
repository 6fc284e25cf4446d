// `taskflock demo`: the grid search of the Dask talk, on a cluster of this machine, with scikit-learn's numbers to compare with.

import { availableParallelism } from "node:os";
import type { Client } from "@taskflock/client";
import { progress } from "@taskflock/client";
import { accuracyScore, formatResults, loadDigits, svc, takeRows } from "@taskflock/ml";
import { LocalCluster } from "./local-cluster.ts";
import { onStop } from "./process.ts";

const params = { C: [1e-4, 1, 1e4], gamma: [1e-3, 1, 1e3], classWeight: [null, "balanced" as const] };

export interface DemoFlags {
  readonly workers: number;
  /** Keep the cluster until a signal. */
  readonly stay: boolean;
}

/** Runs the whole demo and prints to stdout; the progress bar goes to stderr when that is a terminal. */
export async function digitsDemo({ workers, stay }: DemoFlags): Promise<void> {
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  const started = performance.now();
  const cluster = await LocalCluster.start({ workers, threadsPerWorker: 1 });
  try {
    const client = await cluster.connect({ name: "demo" });
    say(
      `A scheduler and ${workers} workers on this machine (${availableParallelism()} cores), ready in ${seconds(started)}.`,
    );
    say(`Watch them: ${await cluster.dashboardLink()}`);
    await searchAllRows(client, say);
    await searchFixedSplit(client, say);
    if (stay) {
      say("\nThe cluster stays until Ctrl-C.");
      await new Promise<void>((resolve) =>
        onStop({ stop: () => resolve(), hurry: () => process.exit(130), orphaned: resolve }, { stdinEnd: false }),
      );
    }
    await client.close();
  } finally {
    await cluster.close();
  }
}

async function searchAllRows(client: Client, say: (text: string) => void): Promise<void> {
  const digits = loadDigits();
  say(
    `\nGrid search: SVC over ${digits.data.rows.toLocaleString("en")} handwritten digits, 18 candidates x 3 folds = 54 fits`,
  );
  const started = performance.now();
  const search = client.gridSearch({
    estimator: svc({ kernel: "rbf" }),
    params,
    X: digits.data,
    y: digits.target,
    cv: 3,
  });
  const [found] = await Promise.all([search.result(), progress(search)]);
  say(`\n${formatResults(found.cvResults)}\n`);
  say(`Best: ${JSON.stringify(found.bestParams)}, mean accuracy ${found.bestScore.toFixed(4)} (scikit-learn: 0.9761)`);
  say(`54 fits and the final one in ${seconds(started)}.`);
}

/** The talk's second half: search on 70 % of the rows, then test on the 30 % that the search never saw. */
async function searchFixedSplit(client: Client, say: (text: string) => void): Promise<void> {
  const { data, target, split7030 } = loadDigits();
  const rows = (indices: Int32Array) => ({
    X: takeRows(data, indices),
    y: Int32Array.from(indices, (row) => target[row] ?? 0),
  });
  const train = rows(split7030.train);
  const test = rows(split7030.test);
  say(`\nThe same search on ${train.y.length} rows, tested on the other ${test.y.length}`);
  const started = performance.now();
  const search = client.gridSearch({ estimator: svc({ kernel: "rbf" }), params, X: train.X, y: train.y, cv: 3 });
  const [found] = await Promise.all([search.result(), progress(search)]);
  const score = accuracyScore(test.y, found.bestEstimator.predict(test.X));
  say(
    `Best: ${JSON.stringify(found.bestParams)}, test accuracy ${score.toFixed(4)} (scikit-learn: 0.9907), in ${seconds(started)}.`,
  );
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(2)} s`;
}
