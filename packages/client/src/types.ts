// The types of `submit`: what arguments become once the futures inside them are resolved.

import type { Future } from "./future.ts";

export type Primitive = string | number | bigint | boolean | symbol | null | undefined;
/** Objects that travel whole: no future can stand inside them. */
export type Opaque =
  | Date
  | RegExp
  | Error
  | URL
  | ArrayBuffer
  | SharedArrayBuffer
  | ArrayBufferView
  // biome-ignore lint/suspicious/noExplicitAny: every function is meant, whatever it takes
  | ((...args: any[]) => unknown);

/** `value` as the function sees it on the worker: every future in it, however deep, is its result. */
export type ResolvedValue<T> =
  T extends Future<infer R>
    ? R
    : T extends Primitive | Opaque
      ? T
      : T extends Map<infer K, infer V>
        ? Map<ResolvedValue<K>, ResolvedValue<V>>
        : T extends Set<infer V>
          ? Set<ResolvedValue<V>>
          : T extends object
            ? { [K in keyof T]: ResolvedValue<T[K]> }
            : T;

/** A list of arguments as the function sees it. */
export type Resolved<B extends readonly unknown[]> = { -readonly [K in keyof B]: ResolvedValue<B[K]> };

/** A list of arguments as it may be given: each one or a future of it. */
export type Arguments<A extends readonly unknown[]> = { readonly [K in keyof A]: A[K] | Future<A[K]> };
