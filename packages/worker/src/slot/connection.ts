// How code of tasks reaches the scheduler. A slot's environment has no token: it asks the worker for one when a task first does, and
// leaves the way to ask under a symbol that all copies of the client's package agree on.

import type { Trust } from "@taskflock/protocol";
import type { SlotToMain } from "./protocol.ts";

/** Where the scheduler is, and what opens it. */
export interface Connection {
  readonly address: string;
  readonly trust: Trust;
  readonly token: string;
}

/** What the client's package finds (packages/client/src/task-client.ts). */
interface ConnectionProvider {
  connection(): Promise<Connection>;
  /** There is a session now: if the slot is ended, the worker ends the session. */
  opened(id: number, secret: string): void;
}

const PROVIDER = Symbol.for("taskflock.taskConnection");
const shared: typeof globalThis & { [PROVIDER]?: ConnectionProvider } = globalThis;

export class SlotConnection {
  #asked: Promise<Connection> | undefined;
  #told: (connection: Connection) => void = () => undefined;

  constructor(post: (message: SlotToMain) => void) {
    shared[PROVIDER] = {
      connection: () => {
        this.#asked ??= new Promise((resolve) => {
          this.#told = resolve;
          post({ t: "connect" });
        });
        return this.#asked;
      },
      opened: (id, secret) => post({ t: "session", id, secret }),
    };
  }

  /** The worker's answer. */
  told(connection: Connection): void {
    this.#told(connection);
  }
}
