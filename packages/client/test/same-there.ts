// Functions that are sent, and what they must compute: what they compute here.
import { runInThisContext } from "node:vm";
import { FlockError } from "@taskflock/protocol";
import { expect } from "vitest";
import type { AnyFunction } from "../src/function-table.ts";
import { Shipping } from "./ship.ts";

const shipping = new Shipping();

/**
 * Sends the function for one call, for many, and once more, each from the state in which it is now; calls it here after
 * that, and compares.
 */
export async function sameThere(fn: AnyFunction, ...args: readonly unknown[]): Promise<void> {
  const there = [await shipping.call(fn, args), await shipping.call(fn, args, true), await shipping.call(fn, args)];
  const here: unknown = await fn(...args);
  for (const result of there) expect(result).toEqual(here);
}

/** What the function gives when it was sent. */
// biome-ignore lint/suspicious/noExplicitAny: whatever it returns
export function callThere(fn: AnyFunction, ...args: readonly unknown[]): Promise<any> {
  return shipping.call(fn, args);
}

/** The code by which it travels. */
export function codeOf(fn: AnyFunction): string {
  return shipping.code(fn);
}

/** What it, or one of its arguments, is refused for. */
export function refusalOf(fn: AnyFunction, args: readonly unknown[] = []): string {
  try {
    shipping.encoder.encode(shipping.functions.use(fn), args);
  } catch (error) {
    expect(error).toBeInstanceOf(FlockError);
    expect((error as FlockError).code).toBe(
      args.length === 0 ? "FLOCK_FUNCTION_NOT_SERIALIZABLE" : "FLOCK_NOT_SERIALIZABLE",
    );
    return (error as FlockError).message;
  }
  throw new Error("the function was not refused");
}

/** A script's last value, as other tools and module systems write it. */
// biome-ignore lint/suspicious/noExplicitAny: whatever it is
export function written(code: string): any {
  return runInThisContext(code);
}
