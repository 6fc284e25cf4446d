import type { Session } from "../session.ts";
import { checkName, patienceOf, type SharedWaitOptions } from "./waits.ts";

/** Something that has happened or not, for all clients that use the name. It stays set when the client that set it is gone. */
export class SharedEvent {
  readonly name: string;
  readonly #session: Session;

  /** Events come from `client.event`. */
  constructor(session: Session, name: string) {
    this.name = checkName("event", name);
    this.#session = session;
  }

  /** All who wait go on. */
  async set(): Promise<void> {
    await this.#open().questions.askOnce({ q: "eventSet", name: this.name, isSet: true });
  }

  /** Whoever waits from now on waits for the next `set()`. */
  async clear(): Promise<void> {
    await this.#open().questions.askOnce({ q: "eventSet", name: this.name, isSet: false });
  }

  /** Resolves once it is set. Rejects with FLOCK_WAIT_TIMEOUT, FLOCK_CANCELLED (`signal`), FLOCK_SHARED_DELETED. */
  async wait(options?: SharedWaitOptions): Promise<void> {
    const { timeoutMs, signal } = patienceOf("wait", options);
    await this.#open().questions.askOnce({ q: "eventWait", name: this.name, timeoutMs }, null, signal);
  }

  async isSet(): Promise<boolean> {
    return (await this.#open().questions.ask({ q: "sharedInfo", kind: "event", name: this.name })).size === 1;
  }

  /** Clears it; who waits is told FLOCK_SHARED_DELETED. */
  async delete(): Promise<void> {
    await this.#open().questions.askOnce({ q: "sharedDelete", kind: "event", name: this.name });
  }

  #open(): Session {
    this.#session.ensureOpen();
    return this.#session;
  }
}
