// What clients ask of the objects that they share by name: queues, locks, semaphores, events and variables.

import type { PayloadRef, TaskNumber } from "./ids.ts";

export type SharedKind = "queue" | "lock" | "semaphore" | "event" | "variable";

/** Largest value in a queue or a variable, encoded bytes: what is larger belongs on the workers (`scatter`). */
export const SHARED_VALUE_BYTES: number = 64 * 1024;

/** A value that is handed over: the result of a task of the session's (`n`), or encoded bytes (`n` is 0). */
interface Given {
  readonly n: number;
  readonly data: PayloadRef;
  readonly dataBytes: number;
}

/** How long it waits, milliseconds: 0 not at all, null for ever. */
interface Waits {
  readonly timeoutMs: number | null;
}

/**
 * Those that change something are carried out once. Their answers are kept until the client says that it has them (`heard`), and said
 * again when it asks for them after a cut (`answerAgain`).
 */
export type SharedQuestion =
  /** `maxSize`: null leaves the queue's limit as it is; a queue without one takes any number. */
  | ({ readonly q: "queuePut"; readonly name: string; readonly maxSize: number | null } & Given & Waits)
  /** A future that is taken gets the number `as`, which was not used before. */
  | ({
      readonly q: "queueGet";
      readonly name: string;
      readonly maxSize: number | null;
      readonly as: TaskNumber;
    } & Waits)
  /** `kind` "lock": one lease. */
  | ({
      readonly q: "acquire";
      readonly kind: "lock" | "semaphore";
      readonly name: string;
      readonly leases: number;
    } & Waits)
  /** Gives back what the question `lease` acquired; nothing when it has ended already. */
  | { readonly q: "releaseLease"; readonly kind: "lock" | "semaphore"; readonly name: string; readonly lease: number }
  | { readonly q: "eventSet"; readonly name: string; readonly isSet: boolean }
  | ({ readonly q: "eventWait"; readonly name: string } & Waits)
  | ({ readonly q: "variableSet"; readonly name: string } & Given)
  | ({ readonly q: "variableGet"; readonly name: string; readonly as: TaskNumber } & Waits)
  /** What is in it is dropped, leases end, and who waits is told so. */
  | { readonly q: "sharedDelete"; readonly kind: SharedKind; readonly name: string }
  | { readonly q: "sharedInfo"; readonly kind: SharedKind; readonly name: string }
  /** The question `of` is not to wait any more. Not answered itself. */
  | { readonly q: "giveUp"; readonly of: number }
  /** Asked under the id of a question from before a cut, which was received: answered when, and as, that is. */
  | { readonly q: "answerAgain" }
  /** These answers have arrived. Not answered itself. */
  | { readonly q: "heard"; readonly ids: readonly number[] };

export interface SharedInfo {
  /** Elements, leases that are held, 1 for an event that is set or a variable that has a value. */
  readonly size: number;
  /** Questions that wait for it. */
  readonly waiting: number;
  /** Names of the clients that hold a lease, the first to acquire it first. */
  readonly holders: readonly string[];
}

/** What was taken: a future under the number that was given, with its key, or (null) data, which comes with the answer. */
export interface Taken {
  readonly key: string | null;
  /** What is left behind it. */
  readonly left: number;
}

export interface SharedAnswers {
  readonly queuePut: null;
  readonly queueGet: Taken;
  readonly acquire: null;
  readonly releaseLease: null;
  readonly eventSet: null;
  readonly eventWait: null;
  readonly variableSet: null;
  readonly variableGet: Taken;
  readonly sharedDelete: null;
  readonly sharedInfo: SharedInfo;
  readonly giveUp: null;
  readonly answerAgain: null;
  readonly heard: null;
}
