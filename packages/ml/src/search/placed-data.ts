// Puts the data of a search on the cluster once: X, y and the folds.

import type { DataShape } from "../estimator.ts";
import type { Executor, Handle } from "../executor.ts";
import { checkInputKind } from "../fitted.ts";
import { checkedFeatures, describeFeatures, type FeaturesInput } from "../inputs.ts";
import type { Labels } from "../labels.ts";
import { type Features, isTexts, rowCount } from "../matrix.ts";
import type { Split } from "../splits.ts";
import { checkData, type SearchPlan } from "./compile.ts";

export interface PlacedData {
  readonly shape: DataShape;
  readonly X: Handle<Features>;
  readonly y: Handle<Labels>;
  readonly splits: Handle<readonly Split[]>;
  /** The same, here. */
  readonly folds: readonly Split[];
  /** Lets go of what the search itself put there; a user's own handles stay. */
  release(): void;
}

/** Scatters what is here, looks at what is there. Rejects with the coded error of data that cannot be used. */
export async function placeData<P extends object, M, I, S extends string>(
  executor: Executor,
  plan: SearchPlan<P, M, I, S>,
): Promise<PlacedData> {
  const own: Handle<unknown>[] = [];
  const keep = <T>(handle: Handle<T>): Handle<T> => {
    own.push(handle);
    return handle;
  };
  const release = (): void => {
    for (const handle of own) handle.release();
  };
  try {
    const { X, shape } =
      "here" in plan.X
        ? { X: keep(executor.scatter(plan.X.here, { name: "X" })), shape: shapeOf(plan.X.here) }
        : await lookAt(executor, plan.estimator, plan.X.there, keep);
    const given = "here" in plan.y ? plan.y.here : await plan.y.there.result();
    const { y, splits } = plan.known ?? checkData(given, shape.rows, plan.splitter, plan.scorers);
    return {
      shape,
      X,
      y: keep(executor.scatter(y, { name: "y" })),
      splits: keep(executor.scatter(splits, { name: "splits" })),
      folds: splits,
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

function shapeOf(X: Features): DataShape {
  return { rows: rowCount(X), cols: isTexts(X) ? 0 : X.cols };
}

async function lookAt<P extends object, M, I>(
  executor: Executor,
  estimator: SearchPlan<P, M, I, string>["estimator"],
  X: Handle<FeaturesInput>,
  keep: <T>(handle: Handle<T>) => Handle<T>,
): Promise<{ X: Handle<Features>; shape: DataShape }> {
  const { kind, rows, cols, ready } = await keep(executor.submit(describeFeatures, [X], { name: "describe" })).result();
  checkInputKind(estimator, kind === "texts" ? "texts" : "matrix");
  const usable = ready ? (X as Handle<Features>) : keep(executor.submit(checkedFeatures, [X], { name: "X" }));
  return { X: usable, shape: { rows, cols } };
}
