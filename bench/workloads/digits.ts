// The grid search on the digits data: 18 candidates, three folds each, the best one fitted again. Its scores must be scikit-learn's.

import { readFileSync } from "node:fs";
import { loadDigits, svc } from "taskflock";
import type { Workload } from "../workload.ts";

interface Reference {
  readonly candidates: readonly { readonly splitTestScores: readonly number[] }[];
  readonly bestScore: number;
}

export const digits: Workload = {
  facts: { fits: 55 },
  start: ({ client, measure }) => {
    const reference: Reference = JSON.parse(readFileSync("test/data/digits-svc-grid.json", "utf8"));
    const expected = JSON.stringify(reference.candidates.map(({ splitTestScores }) => splitTestScores));
    const { data, target } = loadDigits();
    return async () => {
      let scores = "";
      const seconds = await measure(55, async () => {
        const search = client.gridSearch({
          estimator: svc({ kernel: "rbf" }),
          params: { C: [1e-4, 1, 1e4], gamma: [1e-3, 1, 1e3], classWeight: [null, "balanced"] },
          X: data,
          y: target,
          cv: 3,
        });
        scores = JSON.stringify((await search.result()).cvResults.splitTestScores);
      });
      if (scores !== expected) throw new Error("the scores are not scikit-learn's");
      return { seconds };
    };
  },
};
