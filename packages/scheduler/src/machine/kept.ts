// What the cluster itself keeps: published data, what stands in queues and variables, and tasks that run to their ends though
// nobody waits for them. Its references are those of a session without a client: nothing is said to it, and it never leaves.

import type { Micros, PayloadRef, SessionId, TaskNumber } from "@taskflock/protocol/words";
import { newSession } from "./new-session.ts";
import { LINK_CUT, type QuestionAnswer, type Session, type Task } from "./records.ts";

/** Answers that are kept for each client, the last ones, in case it did not hear them. */
const REMEMBERED = 64;

export interface Dataset {
  readonly name: string;
  readonly version: number;
  /** Under which numbers the cluster refers to its results. */
  readonly results: readonly TaskNumber[];
  readonly data: PayloadRef;
  readonly dataBytes: number;
  /** The name of the client. */
  readonly by: string;
  readonly at: Micros;
}

export class Kept {
  readonly session: Session = newSession(0 as SessionId, "cluster", LINK_CUT);
  readonly datasets: Map<string, Dataset> = new Map();
  /** What they take at the scheduler (datasets.ts). */
  bytes = 0;
  /** References that end with their tasks. */
  readonly fired: Set<TaskNumber> = new Set();
  /** Of those, the ones whose tasks have ended: to be let go. */
  readonly over: TaskNumber[] = [];
  /** What clients were answered to their last questions that had an effect. */
  readonly said: Map<SessionId, { readonly id: number; readonly answer: QuestionAnswer }[]> = new Map();
  lastNumber = 0;
  lastVersion = 0;

  newNumber(): TaskNumber {
    return ++this.lastNumber as TaskNumber;
  }

  /** Asked again after a cut, a question has the same answer, and no effect. */
  remember(session: SessionId, id: number, answer: QuestionAnswer): QuestionAnswer {
    const said = this.said.get(session) ?? [];
    this.said.set(session, said);
    said.push({ id, answer });
    if (said.length > REMEMBERED) said.shift();
    return answer;
  }

  recall(session: SessionId, id: number): QuestionAnswer | null {
    return this.said.get(session)?.find((said) => said.id === id)?.answer ?? null;
  }

  /** The task of one of its references has ended. */
  ended(n: TaskNumber): void {
    if (this.fired.delete(n)) this.over.push(n);
  }

  /** How many of the task's references are only there until it ends. */
  firedRefs(task: Task): number {
    if (task.others === null || this.fired.size === 0) return 0;
    let count = 0;
    for (const { session, n } of task.others) if (session === this.session && this.fired.has(n)) count++;
    return count;
  }
}
