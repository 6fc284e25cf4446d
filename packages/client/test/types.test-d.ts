// Compiled by types.test.ts, never run: what infers, and what must not compile.

import {
  type Epoch,
  estimator,
  type FittedEstimator,
  type Labels,
  type Matrix,
  type Scorer,
  svc,
  type TrainingResult,
} from "@taskflock/ml";
import {
  type Actor,
  actorValue,
  type Client,
  type Delayed,
  delayed,
  type Future,
  type Resolved,
  type Run,
} from "../src/index.ts";

declare const client: Client;
declare const num: Future<number>;
declare const text: Future<string>;
declare const array: Future<Float64Array>;

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_proof: Same<A, B>): void {}

// Unannotated lambdas get their parameters from the arguments.
const sum = client.submit((x, y) => x + y, [1, 2]);
same<typeof sum, Future<number>>(true);
const shout = client.submit((s) => s.toUpperCase(), [text]);
same<typeof shout, Future<string>>(true);

// Annotated ones are checked against them.
const ten = client.submit((x: number, y: number) => x * y, [num, 10], { retries: 2, resources: { GPU: 1 } });
same<typeof ten, Future<number>>(true);
// @ts-expect-error: a string for a number
client.submit((x: number) => x, ["1"]);
// @ts-expect-error: a future of a string for a number
client.submit((x: number) => x, [text]);
// @ts-expect-error: one argument too few
client.submit((x: number, y: number) => x + y, [1]);
// @ts-expect-error: the arguments are a list
client.submit((x: number) => x, 1);
// @ts-expect-error: there is no such option
client.submit((x: number) => x, [1], { retrys: 1 });
// @ts-expect-error: options have their types
client.submit((x: number) => x, [1], { timeoutMs: "5" });

// Promises are awaited on the worker.
const later = client.submit(async (x: number) => [x], [1]);
same<typeof later, Future<number[]>>(true);
same<ReturnType<typeof later.result>, Promise<number[]>>(true);
const called = client.call(async (x: number) => String(x), [num]);
same<typeof called, Promise<string>>(true);

// Futures nest anywhere: arrays, objects, maps, sets.
const total = client.submit((parts: number[]) => parts.length, [[num, num]]);
same<typeof total, Future<number>>(true);
client.submit(
  (options: { a: number; deep: { list: string[] } }) => options.a,
  [{ a: num, deep: { list: [text, "x"] } }],
);
client.submit((map: Map<string, number>) => map.size, [new Map([["one", num]])]);
client.submit((set: Set<number>) => set.size, [new Set([num])]);
const nested = client.submit((parts) => parts.list[0], [{ list: [num] }]);
same<typeof nested, Future<number | undefined>>(true);
// @ts-expect-error: a future of the wrong type, deep inside
client.submit((options: { a: number }) => options.a, [{ a: text }]);

// What travels whole keeps its type.
client.submit(
  (when: Date, bytes: Uint8Array, pattern: RegExp) => [when.getTime(), bytes.length, pattern.source],
  [new Date(), new Uint8Array(1), /x/],
);
const first = client.submit((values: Float64Array) => values[0], [array]);
same<typeof first, Future<number | undefined>>(true);
same<Resolved<[Date, Future<Date>, Float64Array, () => number]>, [Date, Date, Float64Array, () => number]>(true);
client.submit((f: (x: number) => number, x: number) => f(x), [(x: number) => x + 1, num]);
client.submit((f) => f(2), [(x: number) => x + 1]);

// Instances of classes with private members are themselves.
class Secret {
  #hidden = 1;
  open(): number {
    return this.#hidden;
  }
}
client.submit((secret: Secret) => secret.open(), [new Secret()]);

// Optional and rest parameters.
client.submit((x: number, y?: number) => x + (y ?? 0), [1]);
client.submit((...all: number[]) => all.length, [1, num, 3]);
client.submit(Math.max, [1, num]);

// map: one iterable, or several side by side; futures among the items.
const squares = client.map((x) => x ** 2, [1, 2, 3]);
same<typeof squares, Future<number>[]>(true);
client.map((x: number) => x, [num, num], { priority: 1 });
const pairs = client.map((x: Float64Array, from: number) => x[from], [array, array], [1, 2]);
same<typeof pairs, Future<number | undefined>[]>(true);
// @ts-expect-error: strings for numbers
client.map((x: number) => x, ["a"]);

// gather keeps the structure.
const gathered = client.gather({ a: num, list: [text, text] as const, map: new Map([["k", array]]) });
same<
  typeof gathered,
  Promise<{ a: number; list: readonly [string, string]; map: Map<string, Float64Array<ArrayBufferLike>> }>
>(true);
same<Awaited<ReturnType<typeof client.gather<Future<number>[]>>>, number[]>(true);

// scatter.
const scattered = client.scatter({ rows: 2 }, { broadcast: true });
same<typeof scattered, Promise<Future<{ rows: number }>>>(true);

const several = client.scatterAll([1, 2], { broadcast: true });
same<typeof several, Promise<Future<number>[]>>(true);
// @ts-expect-error: a key is for one value
client.scatterAll([1, 2], { key: "x" });

// Published data has the type that the caller gives it; persist gives back what it got.
same<Awaited<ReturnType<typeof client.getDataset<{ X: Future<number> }>>>, { X: Future<number> }>(true);
const persisted = client.persist([delayed(() => 1)()]);
same<typeof persisted, readonly [Delayed<number>]>(true);

// gridSearch: parameters and model come from the estimator, an object of functions or a class.
declare const X: Matrix;
declare const y: Labels & readonly string[];
class Threshold {
  static readonly params = { column: 0, side: "left" as "left" | "right", distance: Math.hypot };
  cut = 0;
  readonly params: typeof Threshold.params;
  constructor(params: typeof Threshold.params) {
    this.params = params;
  }
  fit(X: Matrix, _y: Labels): this {
    this.cut = X.rows;
    return this;
  }
  predict(X: Matrix): number[] {
    return [X.rows, this.cut];
  }
}
const searched = client.gridSearch({
  estimator: Threshold,
  params: { column: [0, 1], side: ["left"], distance: [(a, b = 0) => a + b, Math.max] },
  X,
  y,
});
const classFound = searched.result().then(({ bestEstimator, bestParams, cvResults }) => {
  same<typeof bestEstimator.model, Threshold>(true);
  same<typeof bestParams.side, "left" | "right" | undefined>(true);
  same<typeof cvResults.meanTestScore, readonly number[]>(true);
  return bestEstimator.model.cut + (bestParams.distance?.(1, 2) ?? 0);
});
same<typeof classFound, Promise<number>>(true);
// @ts-expect-error: the class has no such parameter
client.gridSearch({ estimator: Threshold, params: { row: [0] }, X, y });
// @ts-expect-error: a value that the parameter does not take
client.gridSearch({ estimator: Threshold, params: { side: ["up"] }, X, y });
// @ts-expect-error: an instance is no class
client.gridSearch({ estimator: new Threshold(Threshold.params), params: {}, X, y });
class Fits {
  static params = {};
  fit(): void {}
}
class Bare {
  fit(): void {}
  predict = () => [1];
}
class Returns {
  static params = {};
  fit(): { a: number } {
    return { a: 1 };
  }
  predict = () => [1];
}
// @ts-expect-error: a class that cannot predict
client.gridSearch({ estimator: Fits, params: {}, X, y });
// @ts-expect-error: a class that does not name its parameters
client.gridSearch({ estimator: Bare, params: {}, X, y });
// @ts-expect-error: the model of a class is its instance; fit returns nothing else
client.gridSearch({ estimator: Returns, params: {}, X, y });
const scale = 2;
const scaled = estimator({
  name: "scaled",
  params: { C: 1 },
  fit: (X, _y, { C }) => ({ size: X.rows * C * scale }),
  predict: ({ size }, X) => new Array<number>(X.rows).fill(size),
});
const objectFound = client.gridSearch({ estimator: scaled, params: { C: [1, 2] }, X, y }).result();
same<Awaited<typeof objectFound>["bestEstimator"], FittedEstimator<{ C: number }, { size: number }, Matrix>>(true);
estimator({
  name: "with this",
  params: { C: 1 },
  fit() {
    // @ts-expect-error: functions travel without the object around them
    return this.params;
  },
  predict: () => [],
});

// Scorers: closures get their types; their names become columns.
declare const cost: Scorer;
const options = { estimator: svc(), params: { C: [1] }, X, y };
const two = client.gridSearch({
  ...options,
  scoring: { cost, count: (yTrue, yPred) => scale * (yTrue.length - yPred.length), f1: "f1" },
  refit: ({ meanTestCost, rankTestCount }) => meanTestCost.length - rankTestCount.length,
});
same<Awaited<ReturnType<typeof two.result>>["scorerNames"], readonly ("cost" | "count" | "f1")[]>(true);
const closure = client.gridSearch({ ...options, scoring: (yTrue, yPred) => yTrue.length - yPred.length });
const named = client.gridSearch({ ...options, scoring: "f1Macro", refit: "score" });
const none = client.gridSearch(options);
same<typeof closure, typeof none>(true);
same<typeof named, typeof none>(true);
const listed = client.gridSearch({ ...options, scoring: ["accuracy", "f1Macro"], refit: "f1Macro" });
void listed.result().then(({ cvResults }) => {
  same<typeof cvResults.rankTestF1Macro, readonly number[]>(true);
  // @ts-expect-error: with several scorers there is no "score"
  cvResults.meanTestScore;
});
// @ts-expect-error: no such scorer
client.gridSearch({ ...options, scoring: ["accurracy"] });
// @ts-expect-error: a scorer gives a number
client.gridSearch({ ...options, scoring: () => "good" });
// @ts-expect-error: refit names one of the scorers
client.gridSearch({ ...options, scoring: { cost, f1: "f1" }, refit: "score" });
declare const dynamic: Record<string, Scorer>;
const open = client.gridSearch({ ...options, scoring: dynamic, refit: "any" });
same<Awaited<ReturnType<typeof open.result>>["scorerNames"], readonly string[]>(true);

// Graphs: calls of delayed functions are typed nodes, which nest anywhere in the arguments of others.
const load = delayed(async (path: string) => path.split(""));
const part = load("a.csv");
same<typeof part, Delayed<string[]>>(true);
const count = delayed((rows: readonly string[][], limits?: { most: number; names: Map<string, number> }) =>
  Math.min(rows.length, limits?.most ?? 0),
);
const counted = count([part, load(text), ["x"]], { most: num, names: new Map([["a", num]]) });
same<typeof counted, Delayed<number>>(true);
count([[load, "y"].length > 0 ? ["z"] : part]);
const sumOf = delayed((...values: number[]) => values.reduce((a, b) => a + b, 0));
sumOf(counted, 1, num);
delayed((either: string | number[]) => either)([counted, 2]);
delayed((when: Date, bytes: Uint8Array) => when.getTime() + bytes.length)(new Date(), new Uint8Array(1));
same<ReturnType<ReturnType<typeof load.with>>, Delayed<string[]>>(true);
// @ts-expect-error: a call that gives a number where strings are taken
count([counted]);
// @ts-expect-error: one argument too few
load();
// @ts-expect-error: no such option
load.with({ retrys: 1 });
// @ts-expect-error: a signal is for compute
load.with({ signal: AbortSignal.abort() });
// @ts-expect-error: values are given as they are
delayed(3);
// @ts-expect-error: a call has no value yet
client.submit((x: number) => x, [counted]);
// @ts-expect-error: no then
part.then;

const oneFuture = client.compute(counted);
same<typeof oneFuture, Future<number>>(true);
const [c, p] = client.compute([counted, part], { priority: 1 });
same<typeof c, Future<number>>(true);
same<typeof p, Future<string[]>>(true);
const listOfFutures = client.compute([1, 2].map(() => counted));
same<typeof listOfFutures, Future<number>[]>(true);
const shape = client.compute({ n: counted, deep: { parts: [part] as const, text: "t" as string } });
same<typeof shape, { n: Future<number>; deep: { parts: [Future<string[]>]; text: string } }>(true);
const futureMap = client.compute(new Map([["a", counted]]));
same<typeof futureMap, Map<string, Future<number>>>(true);
// @ts-expect-error: a key is for one call
client.compute(counted, { key: "k" });

// A future is not thenable, and is covariant.
// @ts-expect-error: no then
num.then;
const wide: Future<number | string> = num;
void wide;

// Every worker: what each returned, or its error where that was asked for.
const onWorkers = client.runOnWorkers(async (x: number) => `${x}`, [num]);
same<typeof onWorkers, Promise<Readonly<Record<string, string>>>>(true);
const orErrors = client.runOnWorkers((x: number) => x, [1], { onError: "return" });
same<typeof orErrors, Promise<Readonly<Record<string, number | Error>>>>(true);
client.runOnWorkers(() => 1);
// @ts-expect-error: the argument is missing
client.runOnWorkers((x: number) => x);
// @ts-expect-error: a command is an array
client.exec("ls");
// @ts-expect-error: and begins with a program
client.exec([]);

// Trainings: the builder's parameters come from `params`, its TensorFlow.js is typed; a run of epochs with a result.
const rows = { x: [[1, 2]], y: [1] };
const training = client.train({
  model: ({ units }: { units: number }, { layers, sequential }) =>
    sequential({ layers: [layers.dense({ units, inputShape: [2] })] }),
  params: { units: 3 },
  data: rows,
  resources: { GPU: 1 },
});
const asRun: Run<TrainingResult, Epoch> = training;
same<Awaited<ReturnType<typeof asRun.result>>, TrainingResult>(true);
client.train({ model: (_, tf) => tf.sequential(), data: { x: array, y: [1] } });
client.train({
  model: (_, tf) => tf.sequential(),
  data: async () => rows,
  validationData: client.submit(() => rows, []),
});
client.train({
  model: ({ units }: { units: number }, tf) => tf.sequential({ name: String(units) }),
  // @ts-expect-error: a string for a number
  params: { units: "3" },
  data: rows,
});
// @ts-expect-error: there is no such option
client.train({ model: (_, tf) => tf.sequential(), data: rows, epoch: 3 });
// @ts-expect-error: texts are no numbers
client.train({ model: (_, tf) => tf.sequential(), data: { x: ["a"], y: [1] } });

// Reports of a running task, and words to it.
same<ReturnType<typeof num.tell>, Promise<boolean>>(true);
num.onReport((report) => void (report as number))();

// Actors: the public methods of the class, each with its parameters or futures of them; no fields, no private members.
declare class Counter {
  constructor(start: number, name?: string);
  total: number;
  add(amount: number): number;
  later(amount: number, note: string): Promise<string[]>;
  private hidden(): void;
}
const making = client.actor(Counter, [num]);
same<typeof making, Promise<Actor<Counter>>>(true);
declare const counter: Actor<Counter>;
same<ReturnType<typeof counter.add>, Future<number>>(true);
const notes = counter.later(num, text);
same<typeof notes, Future<string[]>>(true);
same<ReturnType<typeof actorValue<Counter, "total">>, Future<number>>(true);
same<ReturnType<typeof client.getActor<Counter>>, Promise<Actor<Counter>>>(true);
// @ts-expect-error: a string for a number
counter.add("1");
// @ts-expect-error: one argument too few
counter.later(1);
// @ts-expect-error: a field is read by actorValue
counter.total;
// @ts-expect-error: it has no such property
actorValue(counter, "sum");
// @ts-expect-error: private
counter.hidden();
// @ts-expect-error: a string for a number
client.actor(Counter, ["1"]);
// @ts-expect-error: there is no such option
client.actor(Counter, [1], { retries: 1 });
