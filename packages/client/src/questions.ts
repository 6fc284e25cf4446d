// Seldom questions to the scheduler and their answers.

import {
  type Answer,
  type AnswerOf,
  type ClientToScheduler,
  type ErrorCode,
  errorRegistry,
  FlockError,
  type Question,
} from "@taskflock/protocol";
import { again } from "./endings.ts";

interface Asked {
  readonly question: Question;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: FlockError) => void;
}

export class Questions {
  readonly #host: { send(message: ClientToScheduler): void };
  readonly #open: Map<number, Asked> = new Map();
  #last = 0;

  constructor(host: { send(message: ClientToScheduler): void }) {
    this.#host = host;
  }

  ask<Q extends Question>(question: Q): Promise<AnswerOf<Q>> {
    return new Promise((resolve, reject) => {
      const id = ++this.#last;
      this.#open.set(id, { question, resolve: resolve as (value: unknown) => void, reject });
      this.#host.send({ t: "ask", id, question });
    });
  }

  answered({ id, value, error }: Answer): void {
    const asked = this.#open.get(id);
    if (asked === undefined) return; // answered before a cut and once more after it
    this.#open.delete(id);
    if (error === null) asked.resolve(value);
    else asked.reject(new FlockError(knownCode(error.code), error.message));
  }

  /** Answers that were on the way when the link was cut are lost: asks again. */
  resumed(): void {
    for (const [id, { question }] of this.#open) this.#host.send({ t: "ask", id, question });
  }

  abandonAll(error: FlockError): void {
    for (const { reject } of this.#open.values()) reject(again(error));
    this.#open.clear();
  }
}

function knownCode(code: string): ErrorCode {
  return Object.hasOwn(errorRegistry, code) ? (code as ErrorCode) : "FLOCK_INTERNAL";
}
