// References to a task besides the one it was made for. Nearly always a few; but one client may make half a million to one task, and when
// it leaves each of them must be found at once.

import type { TaskNumber } from "@taskflock/protocol/words";
import type { Ref, Session } from "./records.ts";

/** Above it they are looked up, and not looked through. */
const FEW = 32;

export class Refs implements Iterable<Ref> {
  #few: Ref[] = [];
  #many: Map<Session, Set<TaskNumber>> | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(session: Session, n: TaskNumber): void {
    this.#size++;
    if (this.#many !== null) addTo(this.#many, session, n);
    else {
      this.#few.push({ session, n });
      if (this.#few.length > FEW) this.#lookUp();
    }
  }

  delete(session: Session, n: TaskNumber): void {
    if (this.#many !== null) {
      const numbers = this.#many.get(session);
      if (numbers?.delete(n) !== true) return;
      if (numbers.size === 0) this.#many.delete(session);
    } else {
      const at = this.#few.findIndex((ref) => ref.session === session && ref.n === n);
      if (at === -1) return;
      this.#few.splice(at, 1);
    }
    this.#size--;
  }

  *[Symbol.iterator](): Generator<Ref> {
    yield* this.#few;
    for (const [session, numbers] of this.#many ?? []) for (const n of numbers) yield { session, n };
  }

  #lookUp(): void {
    const many = new Map<Session, Set<TaskNumber>>();
    for (const { session, n } of this.#few) addTo(many, session, n);
    this.#few = [];
    this.#many = many;
  }
}

function addTo(many: Map<Session, Set<TaskNumber>>, session: Session, n: TaskNumber): void {
  const numbers = many.get(session);
  if (numbers === undefined) many.set(session, new Set([n]));
  else numbers.add(n);
}
