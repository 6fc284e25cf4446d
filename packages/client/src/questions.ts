// Seldom questions to the scheduler and their answers.

import {
  type Answer,
  type AnswerOf,
  type ClientToScheduler,
  type ErrorCode,
  errorRegistry,
  FlockError,
  NO_PAYLOAD,
  type PayloadStore,
  type Question,
} from "@taskflock/protocol";
import { again } from "./endings.ts";

interface Asked {
  readonly question: Question;
  readonly resolve: (answer: WithData<unknown>) => void;
  readonly reject: (error: FlockError) => void;
}

/** What is known, and the bytes that belong to it. */
export interface WithData<V> {
  readonly value: V;
  readonly data: Uint8Array;
}

export interface QuestionsHost {
  readonly payloads: PayloadStore;
  send(message: ClientToScheduler): void;
}

const NO_BYTES = new Uint8Array(0);

export class Questions {
  readonly #host: QuestionsHost;
  readonly #open: Map<number, Asked> = new Map();
  #last = 0;

  constructor(host: QuestionsHost) {
    this.#host = host;
  }

  async ask<Q extends Question>(question: Q): Promise<AnswerOf<Q>> {
    return (await this.askWithData(question)).value;
  }

  askWithData<Q extends Question>(question: Q): Promise<WithData<AnswerOf<Q>>> {
    return new Promise((resolve, reject) => {
      const id = ++this.#last;
      this.#open.set(id, { question, resolve: resolve as Asked["resolve"], reject });
      this.#host.send({ t: "ask", id, question });
    });
  }

  /** Takes over the payload. */
  answered({ id, value, error, data: payload }: Answer): void {
    const data = payload === NO_PAYLOAD ? NO_BYTES : this.#host.payloads.get(payload).slice();
    if (payload !== NO_PAYLOAD) this.#host.payloads.free(payload);
    const asked = this.#open.get(id);
    if (asked === undefined) return; // answered before a cut and once more after it
    this.#open.delete(id);
    if (error === null) asked.resolve({ value, data });
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
