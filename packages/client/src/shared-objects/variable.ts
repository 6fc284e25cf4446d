import type { Session } from "../session.ts";
import { given, take } from "./items.ts";
import { checkName, patienceOf, type SharedWaitOptions } from "./waits.ts";

/** A value that all clients share under its name, until it is deleted. */
export class SharedVariable<T> {
  readonly name: string;
  readonly #session: Session;

  /** Variables come from `client.variable`. */
  constructor(session: Session, name: string) {
    this.name = checkName("variable", name);
    this.#session = session;
  }

  /**
   * Gives it a value, in place of what it had. A future keeps its result on the cluster while it stands there. Rejects with
   * FLOCK_TOO_LARGE (a value over 64 KiB), FLOCK_NOT_SERIALIZABLE, FLOCK_SHARED_FULL.
   */
  async set(value: T): Promise<void> {
    const { questions } = this.#open();
    const { fields, bytes } = given(this.#session, "set", value);
    await questions.askOnce({ q: "variableSet", name: this.name, ...fields }, bytes);
  }

  /**
   * Its value; waits until it has one. Of a future, every call gives a future of this client: release it. Rejects with
   * FLOCK_WAIT_TIMEOUT, FLOCK_CANCELLED (`signal`), FLOCK_SHARED_DELETED.
   */
  async get(options?: SharedWaitOptions): Promise<T> {
    const { timeoutMs, signal } = patienceOf("get", options);
    const { questions } = this.#open();
    const asked = { q: "variableGet", name: this.name, timeoutMs } as const;
    const { value } = await take(this.#session, (as) => questions.askOnce({ ...asked, as }, null, signal));
    return value as T;
  }

  /** It has no value any more; who waits for one is told FLOCK_SHARED_DELETED. */
  async delete(): Promise<void> {
    await this.#open().questions.askOnce({ q: "sharedDelete", kind: "variable", name: this.name });
  }

  #open(): Session {
    this.#session.ensureOpen();
    return this.#session;
  }
}
