// Clients inside of tasks, as the worker's main thread knows them: one session for each slot that has opened one. When a slot is ended
// its session is, too: what its task had locked is free at once, and not only when the scheduler has waited for it in vain.

import { endSession } from "@taskflock/protocol";
import type { Logger } from "pino";
import type { Connection } from "../slot/connection.ts";

export interface SlotSession {
  readonly id: number;
  readonly secret: string;
}

export class TaskClients {
  readonly connection: Connection;
  readonly #logger: Logger;
  readonly #ending: Set<Promise<void>> = new Set();

  constructor({ address, trust, token }: Connection, logger: Logger) {
    this.connection = { address, trust, token };
    this.#logger = logger;
  }

  /** The slot is no more. */
  over(session: SlotSession | null): void {
    if (session === null) return;
    const ending = endSession(this.connection, this.connection.token, session).catch((error: unknown) => {
      this.#logger.warn(
        { err: error, session: session.id },
        "the session of a slot's client was not ended; it ends by itself",
      );
    });
    this.#ending.add(ending);
    void ending.then(() => this.#ending.delete(ending));
  }

  /** Resolves when all that was begun has ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#ending);
  }
}
