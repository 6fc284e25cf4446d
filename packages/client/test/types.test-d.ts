// Compiled by types.test.ts, never run: what infers, and what must not compile.

import type { Client, Future, Resolved } from "../src/index.ts";

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

// A future is not thenable, and is covariant.
// @ts-expect-error: no then
num.then;
const wide: Future<number | string> = num;
void wide;
