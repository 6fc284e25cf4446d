// The main job against scikit-learn's numbers, over real processes, whatever happens to them.

import { readFileSync } from "node:fs";
import { LocalCluster, loadDigits, type SearchResult, svc } from "taskflock";
import { describe, expect, test } from "vitest";

interface Reference {
  readonly candidates: readonly {
    readonly params: { readonly C: number; readonly gamma: number; readonly class_weight: "balanced" | null };
    readonly splitTestScores: readonly number[];
    readonly splitTrainScores: readonly number[];
    readonly meanTestScore: number;
    readonly stdTestScore: number;
    readonly rankTestScore: number;
  }[];
  readonly bestScore: number;
  readonly bestIndex: number;
}

const reference: Reference = JSON.parse(readFileSync(new URL("../data/digits-svc-grid.json", import.meta.url), "utf8"));
const params = { C: [1e-4, 1, 1e4], gamma: [1e-3, 1, 1e3], classWeight: [null, "balanced" as const] };

function expectReference(found: Pick<SearchResult, "cvResults" | "bestIndex" | "bestScore" | "bestParams">): void {
  const { cvResults } = found;
  expect(cvResults.params).toEqual(
    reference.candidates.map(({ params: { C, gamma, class_weight } }) => ({ C, gamma, classWeight: class_weight })),
  );
  expect(cvResults.meanTestScore).toEqual(reference.candidates.map((candidate) => candidate.meanTestScore));
  expect(cvResults.stdTestScore).toEqual(reference.candidates.map((candidate) => candidate.stdTestScore));
  expect(cvResults.rankTestScore).toEqual(reference.candidates.map((candidate) => candidate.rankTestScore));
  expect(cvResults.splitTestScores).toEqual(reference.candidates.map((candidate) => candidate.splitTestScores));
  expect(found.bestScore).toBe(reference.bestScore);
  expect(found.bestIndex).toBe(reference.bestIndex);
}

describe("the digits grid search equals scikit-learn to the last digit", () => {
  test.each([1, 2, 4])("with %i workers", async (workers) => {
    const cluster = await LocalCluster.start({ workers, threadsPerWorker: 1 });
    try {
      const client = await cluster.connect();
      const { data, target } = loadDigits();
      const search = client.gridSearch({ estimator: svc({ kernel: "rbf" }), params, X: data, y: target, cv: 3 });
      expectReference(await search.result());
      await client.close();
    } finally {
      await cluster.close();
    }
  });

  test("with a worker killed (-9) in the middle", async () => {
    const cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 1 });
    try {
      const client = await cluster.connect();
      const { data, target } = loadDigits();
      const search = client.gridSearch({ estimator: svc({ kernel: "rbf" }), params, X: data, y: target, cv: 3 });
      let folds = 0;
      for await (const _fold of search) {
        if (++folds === 20) await cluster.killWorker(0);
      }
      expect(folds).toBe(54);
      expectReference(await search.result());
      await client.close();
    } finally {
      await cluster.close();
    }
  });
});
