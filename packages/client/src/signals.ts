// Tasks that an AbortSignal cancels.

import { type Future, ownerOf, recordOf } from "./future.ts";
import type { Waiter } from "./record.ts";

/** Cancels the futures that have not ended when `signal` is aborted, and lets go of the signal when all have. */
export function cancelOnAbort(futures: readonly Future<unknown>[], signal: AbortSignal): void {
  const reason = (): string => (signal.reason instanceof Error ? signal.reason.message : String(signal.reason));
  const abort = (): void => {
    for (const future of futures) {
      if (future.status === "pending")
        ownerOf(future)
          .cancel(future, reason())
          .catch(() => {}); // result() tells
    }
  };
  if (signal.aborted) abort();
  if (signal.aborted || futures.length === 0) return;
  signal.addEventListener("abort", abort, { once: true });
  let left = new Set(futures.map(recordOf)).size;
  const one = (): void => {
    if (--left === 0) signal.removeEventListener("abort", abort);
  };
  const own = new Set<object>(futures);
  const waiter: Waiter = { settled: one, abandoned: one, concerns: (future) => own.has(future) };
  for (const future of new Map(futures.map((item) => [recordOf(item), item])).values()) {
    ownerOf(future).watch(future, waiter);
  }
}
