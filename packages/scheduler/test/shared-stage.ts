// Clients that ask about shared objects, on the stage of the machine's tests.

import type { Answer, PayloadRef, Question, SessionId, SharedQuestion } from "@taskflock/protocol/words";
import { Stage } from "./machine-stage.ts";

type Body<Q> = Q extends SharedQuestion ? Q : never;

export class SharedStage extends Stage {
  #last = 0;
  #as = 1000;
  /** What was answered, as a word, by session and question. */
  readonly answers: Map<string, string> = new Map();
  /** Values by payload, for whoever takes one. */
  readonly values: Map<number, string> = new Map();

  ask(id: number, question: Body<Question>): number {
    const number = ++this.#last;
    this.say(id, { t: "ask", id: number, question });
    return number;
  }

  put(id: number, name: string, value: string, maxSize: number | null = null, timeoutMs: number | null = null): number {
    const data = this.payload();
    this.values.set(data, value);
    return this.ask(id, { q: "queuePut", name, maxSize, n: 0, data, dataBytes: 10, timeoutMs });
  }

  putFuture(id: number, name: string, n: number): number {
    const data = 0 as PayloadRef;
    return this.ask(id, { q: "queuePut", name, maxSize: null, n, data, dataBytes: 0, timeoutMs: null });
  }

  get(id: number, name: string, timeoutMs: number | null = null, as = ++this.#as): number {
    return this.ask(id, { q: "queueGet", name, maxSize: null, as: as as never, timeoutMs });
  }

  lock(id: number, name: string, timeoutMs: number | null = null): number {
    return this.ask(id, { q: "acquire", kind: "lock", name, leases: 1, timeoutMs });
  }

  unlock(id: number, name: string, lease: number): number {
    return this.ask(id, { q: "releaseLease", kind: "lock", name, lease });
  }

  cutClient(id: number): void {
    this.listen(id);
    this.speakable.delete(`c${id}`);
    this.step({ e: "clientCut", session: id as SessionId });
  }

  /** The link is back; it asks again for what is not answered. */
  resume(id: number, open: readonly number[]): void {
    this.speakable.add(`c${id}`);
    this.step({ e: "clientResumed", session: id as SessionId });
    for (const question of open) this.say(id, { t: "ask", id: question, question: { q: "answerAgain" } });
  }

  block(id: number): void {
    this.listen(id);
    this.speakable.delete(`c${id}`);
    this.step({ e: "clientBlocked", session: id as SessionId });
  }

  unblock(id: number): void {
    this.speakable.add(`c${id}`);
    this.step({ e: "clientReady", session: id as SessionId });
  }

  die(id: number): void {
    this.listen(id);
    this.speakable.delete(`c${id}`);
    this.step({ e: "clientGone", session: id as SessionId });
  }

  hear(id: number, ...ids: number[]): void {
    this.ask(id, { q: "heard", ids });
  }

  /** What has been said is taken down. */
  listen(id: number): void {
    for (const message of this.told(id))
      if (message.t === "answer") this.answers.set(`${id} ${message.id}`, this.word(message));
  }

  /** "waits", the error's code, the value that was taken, or "yes". */
  answer(id: number, question: number): string {
    this.listen(id);
    return this.answers.get(`${id} ${question}`) ?? "waits";
  }

  word({ error, value, data }: Answer): string {
    if (error !== null) return error.code;
    if (data !== 0) return this.values.get(data) ?? "?";
    const key = (value as { key?: string | null } | null)?.key;
    return key === undefined || key === null ? "yes" : `future ${key}`;
  }
}
