// The fields of the questions about shared objects.

import type { SharedQuestion } from "../words/index.ts";
import { choice, type Field, flag, int, list, nullable, optionalPayload } from "./fields.ts";
import { bytes, name, natural, positive } from "./terms.ts";

type Table = {
  readonly [K in SharedQuestion["q"]]: {
    readonly [F in Exclude<keyof Extract<SharedQuestion, { q: K }>, "q">]: Field;
  };
};

const timeoutMs = nullable(int(0, 2 ** 31 - 1));
const maxSize = nullable(int(0, 2 ** 31 - 1));
const kind = choice("queue", "lock", "semaphore", "event", "variable");
const leased = choice("lock", "semaphore");
const given = { n: natural, data: optionalPayload("dataBytes"), dataBytes: bytes };

export const sharedQuestions: Table = {
  queuePut: { name, maxSize, timeoutMs, ...given },
  queueGet: { name, maxSize, timeoutMs, as: positive },
  acquire: { kind: leased, name, leases: int(1, 1_000_000), timeoutMs },
  releaseLease: { kind: leased, name, lease: natural },
  eventSet: { name, isSet: flag },
  eventWait: { name, timeoutMs },
  variableSet: { name, ...given },
  variableGet: { name, as: positive, timeoutMs },
  sharedDelete: { kind, name },
  sharedInfo: { kind, name },
  giveUp: { of: natural },
  answerAgain: {},
  heard: { ids: list(natural, 10_000) },
};
