// The types of graphs: what a delayed function may be given, and what `compute` returns.

import type { Future } from "../future.ts";
import type { Opaque, Primitive } from "../types.ts";
import type { Delayed } from "./delayed.ts";

/** What may stand where a function takes a `T`: that, a delayed call or a future of it, or a container of such. */
export type Delayable<T> = T | Delayed<T> | Future<T> | DelayableParts<T>;

/** Of unions, each member may have parts of its own. */
type DelayableParts<T> = T extends Primitive | Opaque
  ? never
  : T extends Map<infer K, infer V>
    ? Map<Delayable<K>, Delayable<V>>
    : T extends Set<infer V>
      ? Set<Delayable<V>>
      : T extends object
        ? { [K in keyof T]: Delayable<T[K]> }
        : never;

/** A list of arguments as a delayed function may be given them. */
export type DelayableArguments<A extends readonly unknown[]> = { [K in keyof A]: Delayable<A[K]> };

/** What `compute` makes of a structure: every delayed call in it, however deep, is a future of its result. */
export type Computed<T> =
  T extends Delayed<infer R>
    ? Future<R>
    : T extends Primitive | Opaque | Future<unknown>
      ? T
      : T extends Map<infer K, infer V>
        ? Map<Computed<K>, Computed<V>>
        : T extends Set<infer V>
          ? Set<Computed<V>>
          : T extends object
            ? { -readonly [K in keyof T]: Computed<T[K]> }
            : T;
