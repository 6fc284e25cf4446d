// Runs tasks inline; what they return comes back as from a worker: a copy, without functions, and of instances their fields.

import { type Handle, InlineExecutor } from "../src/index.ts";

export class CopyingExecutor extends InlineExecutor {
  // biome-ignore lint/suspicious/noExplicitAny: as in `Executor`
  override submit<R>(fn: (...args: any[]) => R | Promise<R>, args: readonly unknown[]): Handle<R> {
    return super.submit(async (...values: unknown[]) => structuredClone(await fn(...values)), args) as Handle<R>;
  }
}
