// How long a task waits before it is tried again.

/** The longest wait between two attempts, µs. */
const MAX_BACKOFF_US = 60_000_000;

/** µs before retry 1, 2, 3 …: doubled each time. */
export function retryWaitUs(backoffMs: number, retry: number): number {
  return Math.min(backoffMs * 1000 * 2 ** (retry - 1), MAX_BACKOFF_US);
}
