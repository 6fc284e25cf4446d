// People start workers and the scheduler in any order, and so do machines: a worker waits for its scheduler.

import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { isLoopback, parseAddress, readToken } from "@taskflock/protocol/links";
import type { Logger } from "pino";

export interface Waiting {
  readonly address: string;
  /** How long a scheduler is waited for, milliseconds. */
  readonly waitMs: number;
  readonly logger: Logger;
}

const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 1_000;
const ATTEMPT_MS = 5_000;
/** How long after it began to listen a scheduler may take to leave its token, milliseconds. */
const TOKEN_MS = 1_000;

/**
 * Resolves when somebody listens at the address, and says whether that took a wait; or after `waitMs`: whoever connects then is told
 * what is wrong. Throws FLOCK_ADDRESS_INVALID.
 */
export async function awaitScheduler({ address, waitMs, logger }: Waiting): Promise<boolean> {
  const { host, port } = parseAddress(address);
  const deadline = performance.now() + waitMs;
  for (let attempt = 0; ; attempt++) {
    const failure = await knock(host, port);
    if (failure === null) return attempt > 0;
    const left = deadline - performance.now();
    if (left <= 0) return attempt > 0;
    if (attempt === 0) {
      logger.warn(
        { scheduler: address, why: failure, waitMs },
        "no scheduler answers yet; waiting for it. Start one with `taskflock scheduler`, and check host and port",
      );
    }
    await sleep(Math.min(left, LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt));
  }
}

/** The token, when there is a scheduler. A local one leaves it then; all else is refused at once with FLOCK_UNAUTHORIZED. */
export async function tokenWhenThere(waiting: Waiting, tokenFile: string | undefined): Promise<string> {
  const { address } = waiting;
  const read = (): string => readToken({ address, tokenFile });
  if (!isLoopback(parseAddress(address).host)) read();
  const deadline = (await awaitScheduler(waiting)) ? performance.now() + TOKEN_MS : 0;
  for (;;) {
    try {
      return read();
    } catch (error) {
      if (performance.now() >= deadline) throw error;
    }
    await sleep(FIRST_PAUSE_MS);
  }
}

/** Null when somebody listens; otherwise what the connection failed with. */
function knock(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const over = (failure: string | null): void => {
      socket.destroy();
      resolve(failure);
    };
    socket.setTimeout(ATTEMPT_MS, () => over("no answer in time"));
    socket.once("connect", () => over(null));
    socket.once("error", (error: Error & { code?: string }) => over(error.code ?? error.message));
  });
}
