// Seldom questions to the scheduler and their answers.

import {
  type Answer,
  type AnswerOf,
  type ClientToScheduler,
  type ErrorCode,
  errorRegistry,
  FlockError,
  NO_PAYLOAD,
  type PayloadRef,
  type PayloadStore,
  type Question,
  type SharedQuestion,
} from "@taskflock/protocol";
import { again } from "./endings.ts";
import type { Gate } from "./gate.ts";

interface Asked {
  /** What is asked after a cut. */
  readonly question: Question;
  /** It changes something: its answer is kept for us until we say that we have it. */
  readonly once: boolean;
  readonly resolve: (answer: WithData<unknown>) => void;
  readonly reject: (error: FlockError) => void;
}

/** What is known, and the bytes that belong to it. */
export interface WithData<V> {
  readonly value: V;
  readonly data: Uint8Array;
}

export interface QuestionsHost {
  /** Why nothing is answered any more, or null. */
  readonly ended: FlockError | null;
  readonly payloads: PayloadStore;
  readonly gate: Gate;
  send(message: ClientToScheduler, payload?: PayloadRef): void;
  /** Sends now, and frees the payload. Throws FLOCK_FRAME_TOO_LARGE. */
  transmit(message: ClientToScheduler, payload: PayloadRef): void;
}

/** Answers that are here, before the scheduler is told so without need. */
const HEARD_AT_ONCE = 16;
const NO_BYTES = new Uint8Array(0);

export class Questions {
  readonly #host: QuestionsHost;
  readonly #open: Map<number, Asked> = new Map();
  readonly #pauses: Set<(error: FlockError) => void> = new Set();
  /** Answers that the scheduler keeps for us, and that are here. */
  #heard: number[] = [];
  #last = 0;

  constructor(host: QuestionsHost) {
    this.#host = host;
  }

  async ask<Q extends Question>(question: Q): Promise<AnswerOf<Q>> {
    return (await this.askWithData(question)).value;
  }

  askWithData<Q extends Question>(question: Q): Promise<WithData<AnswerOf<Q>>> {
    const { ended } = this.#host;
    if (ended !== null) return Promise.reject(again(ended));
    return new Promise((resolve, reject) => {
      const id = ++this.#last;
      this.#open.set(id, { question, once: false, resolve: resolve as Asked["resolve"], reject });
      this.#say(id, question, NO_PAYLOAD);
    });
  }

  /** In its turn. What cannot be sent is answered with why. */
  #say(id: number, question: Question, data: PayloadRef): void {
    this.#host.gate.pass(() => {
      try {
        this.#host.transmit({ t: "ask", id, question }, data);
      } catch (error) {
        this.refused(id, error as FlockError);
      }
    });
  }

  /**
   * Asks what is to be carried out once, also when the link is cut before its answer is here. `signal` ends the wait with
   * FLOCK_CANCELLED, unless it was carried out before. `asked` is told the question's number.
   */
  askOnce<Q extends SharedQuestion>(
    question: Q,
    bytes: Uint8Array | null = null,
    signal: AbortSignal | undefined = undefined,
    asked: (id: number) => void = () => {},
  ): Promise<WithData<AnswerOf<Q>>> {
    const { ended } = this.#host;
    if (ended !== null) return Promise.reject(again(ended));
    const id = ++this.#last;
    const answer = new Promise<WithData<AnswerOf<Q>>>((resolve, reject) => {
      this.#open.set(id, { question: { q: "answerAgain" }, once: true, resolve: resolve as Asked["resolve"], reject });
    });
    asked(id);
    this.#sayHeard();
    const data = bytes === null ? NO_PAYLOAD : this.#host.payloads.put(bytes);
    this.#say(id, (bytes === null ? question : { ...question, data }) as Question, data);
    if (signal === undefined) return answer;
    const giveUp = (): void => this.#host.send({ t: "ask", id: 0, question: { q: "giveUp", of: id } });
    signal.addEventListener("abort", giveUp, { once: true });
    if (signal.aborted) giveUp();
    return answer.finally(() => signal.removeEventListener("abort", giveUp));
  }

  #sayHeard(): void {
    if (this.#heard.length === 0) return;
    this.#host.send({ t: "ask", id: 0, question: { q: "heard", ids: this.#heard } });
    this.#heard = [];
  }

  /** Takes over the payload. */
  answered({ id, value, error, data: payload }: Answer): void {
    const data = payload === NO_PAYLOAD ? NO_BYTES : this.#host.payloads.get(payload).slice();
    if (payload !== NO_PAYLOAD) this.#host.payloads.free(payload);
    const asked = this.#open.get(id);
    if (asked === undefined) return; // answered before a cut and once more after it
    this.#open.delete(id);
    if (asked.once && this.#heard.push(id) >= HEARD_AT_ONCE) this.#sayHeard();
    if (error === null) asked.resolve({ value, data });
    else asked.reject(new FlockError(knownCode(error.code), error.message));
  }

  /** It could not be sent. */
  refused(id: number, error: FlockError): void {
    const asked = this.#open.get(id);
    this.#open.delete(id);
    asked?.reject(error);
  }

  /** Resolves after so long, milliseconds; rejects as soon as nothing is answered any more. */
  pause(ms: number): Promise<void> {
    const { ended } = this.#host;
    if (ended !== null) return Promise.reject(again(ended));
    return new Promise((resolve, reject) => {
      const fail = (error: FlockError): void => {
        clearTimeout(timer);
        reject(error);
      };
      const timer = setTimeout(() => {
        this.#pauses.delete(fail);
        resolve();
      }, ms);
      this.#pauses.add(fail);
    });
  }

  /** Answers that were on the way when the link was cut are lost: asks again. */
  resumed(): void {
    for (const [id, { question }] of this.#open) this.#host.send({ t: "ask", id, question });
  }

  abandonAll(error: FlockError): void {
    for (const { reject } of this.#open.values()) reject(again(error));
    this.#open.clear();
    for (const fail of this.#pauses) fail(again(error));
    this.#pauses.clear();
  }
}

function knownCode(code: string): ErrorCode {
  return Object.hasOwn(errorRegistry, code) ? (code as ErrorCode) : "FLOCK_INTERNAL";
}
