// Estimators as classes: typed from the class, searched as any other, and an instance in the end.

import { describe, expect, expectTypeOf, it } from "vitest";
import {
  FittedEstimator,
  fitEstimator,
  formatResults,
  gridSearch,
  type Labels,
  type Matrix,
  matrix,
  svc,
} from "../src/index.ts";
import { CopyingExecutor } from "./copying-executor.ts";
import { CountingExecutor } from "./counting-executor.ts";
import { reference } from "./reference.ts";

const { X, y, text } = reference.data;

const executor = new CopyingExecutor();
const coded = (code: string, message: string | RegExp): Error =>
  expect.objectContaining({ code, message: typeof message === "string" ? message : expect.stringMatching(message) });

type Metric = (a: number, b: number) => number;
const squared: Metric = (a, b) => (a - b) ** 2;
const absolute: Metric = (a, b) => Math.abs(a - b);

class NearestCentroid {
  static readonly params = { metric: "euclidean" as "euclidean" | "manhattan", shrink: 0 };
  readonly params: typeof NearestCentroid.params;
  classes: (number | string)[] = [];
  centroids: number[][] = [];

  constructor(params: typeof NearestCentroid.params) {
    if (params.shrink < 0) throw new RangeError(`shrink must be 0 or above, but is ${params.shrink}`);
    this.params = params;
  }

  fit(X: Matrix, y: Labels): void {
    this.classes = [...new Set(y)].sort();
    this.centroids = this.classes.map((label) => this.#centre(X, y, label));
  }

  predict(X: Matrix): (number | string)[] {
    return Array.from({ length: X.rows }, (_, row) => {
      const distances = this.centroids.map((centroid) =>
        centroid.reduce((sum, at, column) => sum + this.distance(at, X.data[row * X.cols + column] ?? 0), 0),
      );
      return this.classes[distances.indexOf(Math.min(...distances))] ?? "";
    });
  }

  protected distance(a: number, b: number): number {
    return this.params.metric === "euclidean" ? squared(a, b) : absolute(a, b);
  }

  #centre(X: Matrix, y: Labels, label: number | string): number[] {
    const rows = Array.from(y.keys()).filter((row) => y[row] === label);
    return Array.from({ length: X.cols }, (_, column) => {
      const sum = rows.reduce((total, row) => total + (X.data[row * X.cols + column] ?? 0), 0);
      return (sum / rows.length) * (1 - this.params.shrink);
    });
  }
}

/** The same, with its distance as a parameter. */
class ByMetric extends NearestCentroid {
  static override readonly params = { ...NearestCentroid.params, distance: squared };
  declare readonly params: typeof ByMetric.params;
  constructor(params: typeof ByMetric.params) {
    super(params);
  }
  protected override distance(a: number, b: number): number {
    return this.params.distance(a, b);
  }
}

describe("a search of a class", () => {
  it("is typed by its static params, and ends with a fitted instance", async () => {
    const search = gridSearch(executor, {
      estimator: NearestCentroid,
      params: { metric: ["euclidean", "manhattan"], shrink: [0, 1] },
      X,
      y: text,
      cv: 3,
    });
    const { bestEstimator, bestParams, cvResults } = await search.result();
    expect(search.name).toBe("gridSearch NearestCentroid");
    expect(cvResults.params).toHaveLength(4);
    expect(cvResults.meanTestScore[1]).toBeLessThan(cvResults.meanTestScore[0] as number);
    expect(bestEstimator).toBeInstanceOf(FittedEstimator);
    expect(bestEstimator.model).toBeInstanceOf(NearestCentroid);
    expect(bestEstimator.params).toEqual({ ...NearestCentroid.params, ...bestParams });
    const direct = new NearestCentroid(bestEstimator.params);
    direct.fit(matrix(X), text);
    expect(bestEstimator.model).toEqual(direct);
    expect(bestEstimator.predict(X)).toEqual(direct.predict(matrix(X)));
    expect(bestEstimator.score(X, text)).toBeGreaterThan(0.5);
    expectTypeOf(bestEstimator.model).toEqualTypeOf<NearestCentroid>();
    expectTypeOf(bestParams.metric).toEqualTypeOf<"euclidean" | "manhattan" | undefined>();
    const options = { estimator: NearestCentroid, X, y } as const;
    // @ts-expect-error: there is no such metric
    expect(() => gridSearch(executor, { ...options, params: { metric: [5] }, cv: 0 })).toThrowError();
    // @ts-expect-error: there is no such parameter
    expect(() => gridSearch(executor, { ...options, params: { shrinks: [5] } })).toThrowError(
      coded("FLOCK_ML_PARAMETER", 'Estimator NearestCentroid has no parameter "shrinks". It has: metric, shrink.'),
    );
  });

  it("needs no search: fitEstimator fits one with its defaults", async () => {
    const { model, params } = await fitEstimator(NearestCentroid, X, text);
    expect(model.centroids).toHaveLength(new Set(text).size);
    expect(params).toBe(NearestCentroid.params);
    expectTypeOf(model).toEqualTypeOf<NearestCentroid>();
  });

  it("takes its fitted estimator again", async () => {
    const { estimator } = await fitEstimator(NearestCentroid, X, text);
    const { bestEstimator } = await gridSearch(executor, { estimator, params: {}, X, y: text, cv: 3 }).result();
    expect(bestEstimator.model).toBeInstanceOf(NearestCentroid);
  });

  it("takes functions as parameters: they show by name, and the instance has the very function", async () => {
    const search = gridSearch(executor, {
      estimator: ByMetric,
      params: { distance: [absolute, squared] },
      X,
      y: text,
      cv: 3,
    });
    const { bestEstimator, bestParams, cvResults } = await search.result();
    expect(cvResults.paramDistance).toEqual([absolute, squared]);
    expect(bestEstimator.model.params.distance).toBe(bestParams.distance);
    expect(bestEstimator.predict(X)).toHaveLength(X.length);
    expect(formatResults(cvResults)).toMatch(/distance\n.*\n.*(squared|absolute)\n.*(squared|absolute)$/);
  });

  it("may fit later, return itself, take texts, and be a regressor", async () => {
    class Lengths {
      static params = { unit: 1 };
      static input = "texts" as const;
      static kind = "regressor" as const;
      slope = 0;
      private readonly given: typeof Lengths.params;
      constructor(given: typeof Lengths.params) {
        this.given = given;
      }
      async fit(texts: readonly string[], y: Labels): Promise<this> {
        await Promise.resolve();
        const sum = texts.reduce((total, item) => total + item.length, 0);
        this.slope = Array.from(y as number[]).reduce((total, value) => total + value, 0) / sum;
        return this;
      }
      predict = (texts: readonly string[]) =>
        Float64Array.from(texts, (item) => item.length * this.slope * this.given.unit);
    }
    const texts = ["a", "bb", "ccc", "dddd", "eeeee", "ffffff"];
    const lengths = texts.map(({ length }) => length * 2);
    const options = { estimator: Lengths, params: { unit: [1, 2] }, X: texts, y: lengths, cv: 3 };
    const { bestEstimator, bestParams, bestScore } = await gridSearch(executor, options).result();
    expect([bestParams, bestScore]).toEqual([{ unit: 1 }, 1]);
    expect(bestEstimator.model.slope).toBe(2);
    expect(bestEstimator.predict(["abc"])).toEqual(Float64Array.of(6));
  });
});

describe("a class is refused at once", () => {
  class Unfinished {
    static params = {};
    predict(): void {}
  }
  class Hidden extends NearestCentroid {
    #seen = 0;
    get seen(): number {
      return this.#seen;
    }
    override fit(X: Matrix, y: Labels): void {
      this.#seen++;
      super.fit(X, y);
    }
  }
  class Bare {
    fit(): void {}
    predict(): number[] {
      return [];
    }
  }
  it.each<[string, unknown, object, string, string | RegExp]>([
    [
      "without fit",
      Unfinished,
      {},
      "FLOCK_ML_ESTIMATOR",
      /^The class Unfinished has no method fit\. The class of an estimator has/,
    ],
    [
      "without params",
      Bare,
      {},
      "FLOCK_ML_ESTIMATOR",
      /^The class Bare has no static params, which name all parameters/,
    ],
    [
      "as an instance",
      new NearestCentroid({ metric: "euclidean", shrink: 0 }),
      {},
      "FLOCK_ML_ESTIMATOR",
      /^The estimator is an instance of NearestCentroid.* estimator: NearestCentroid, and the values/,
    ],
    [
      "with private fields",
      Hidden,
      {},
      "FLOCK_ML_ESTIMATOR",
      /^The class Hidden has private fields, #seen, .* without the #/,
    ],
    ["that is a function", svc, {}, "FLOCK_ML_ESTIMATOR", /^The estimator is the function svc\. .* call it: svc\(\)\./],
    [
      "with values that its constructor refuses",
      NearestCentroid,
      { shrink: [0, -1] },
      "FLOCK_ML_PARAMETER",
      "Estimator NearestCentroid refuses { metric: 'euclidean', shrink: -1 }: shrink must be 0 or above, but is -1",
    ],
    ["with parameters it does not have", NearestCentroid, { C: [1] }, "FLOCK_ML_PARAMETER", /has no parameter "C"/],
    ["with other data than it takes", NearestCentroid, { X: X.map(String) }, "FLOCK_ML_INPUT", /^Estimator Nearest/],
  ])("%s", (_what, estimator, { X: features = X, ...params }: { X?: unknown }, code, message) => {
    const counting = new CountingExecutor();
    const options = { estimator, params, X: features, y } as never;
    expect(() => gridSearch(counting, options)).toThrowError(coded(code, message));
    expect(counting.submitted).toEqual([]);
  });

  it("but private fields do no harm where no model comes back", async () => {
    const options = { estimator: Hidden, params: {}, X, y: text, cv: 3, refit: false };
    expect((await gridSearch(executor, options).result()).bestScore).toBeGreaterThan(0.5);
  });
});

describe("a class ends the search in its first fold", () => {
  class Predictor {
    static readonly params = {};
    readonly parts: unknown[] = [];
    fit(_X: Matrix, y: Labels): void {
      this.parts.push({ answer: () => y[0] });
    }
    predict(X: Matrix): (number | string)[] {
      return new Array(X.rows).fill((this.parts[0] as { answer(): number | string }).answer());
    }
  }
  class Returning {
    static readonly params = {};
    fit(): object {
      return { model: 1 };
    }
    predict({ rows }: Matrix): number[] {
      return new Array(rows).fill(0);
    }
  }
  class Later {
    static readonly params = {};
    fit(): void {}
    async predict(): Promise<number[]> {
      return [];
    }
  }
  it.each<[string, unknown, RegExp]>([
    [
      "when fit leaves a function",
      Predictor,
      /^fit of Predictor left a function in this\.parts\[0\]\.answer\. Functions do not/,
    ],
    [
      "when fit returns a model",
      Returning,
      /^fit of Returning returned an object\. The fit of a class keeps the model in/,
    ],
    ["when predict is asynchronous", Later, /^predict returned a promise\. It must return one label for each row/],
  ])("%s", async (_what, estimator, message) => {
    const search = gridSearch(executor, { estimator, params: {}, X, y: text, cv: 3 } as never);
    await expect(search.result()).rejects.toEqual(coded("FLOCK_ML_ESTIMATOR", message));
    expect(search.done).toBe(0);
  });
});
