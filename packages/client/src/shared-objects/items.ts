// What goes into queues and variables, and what comes out: a future, which stays a future, or a value that is small.

import { decodeValue, encodeValue } from "@taskflock/protocol/code";
import { FlockError, NO_PAYLOAD, SHARED_VALUE_BYTES, type Taken, type TaskNumber } from "@taskflock/protocol/words";
import { releasedError } from "../endings.ts";
import { isFuture, isReleased, ownerOf, recordOf } from "../future.ts";
import type { WithData } from "../questions.ts";
import type { Session } from "../session.ts";

/** The fields of a question that gives an item. */
interface Given {
  readonly fields: { readonly n: number; readonly data: typeof NO_PAYLOAD; readonly dataBytes: number };
  readonly bytes: Uint8Array | null;
}

/** Throws FLOCK_NOT_SERIALIZABLE, FLOCK_TOO_LARGE, FLOCK_ARGUMENT_INVALID (a future of another client), FLOCK_RELEASED. */
export function given(session: Session, where: string, value: unknown): Given {
  if (isFuture(value)) {
    if (ownerOf(value) !== session) {
      throw new FlockError(
        "FLOCK_ARGUMENT_INVALID",
        `${where} takes futures of this client; ${value.key} is another's.`,
      );
    }
    if (isReleased(value)) throw releasedError(value.key);
    const { n, fault } = recordOf(value);
    if (fault !== null) throw fault;
    return { fields: { n, data: NO_PAYLOAD, dataBytes: 0 }, bytes: null };
  }
  const bytes = encode(where, value);
  return { fields: { n: 0, data: NO_PAYLOAD, dataBytes: bytes.length }, bytes };
}

function encode(where: string, value: unknown): Uint8Array {
  const encoded = encodeValue(value, {
    leaf: (leaf, path) => {
      if (!isFuture(leaf)) return undefined;
      const text = `${path()} is a future (${leaf.key}) inside of a value: ${where} takes a future alone, or a value without any.`;
      throw new FlockError("FLOCK_NOT_SERIALIZABLE", text);
    },
  });
  if (encoded.bytes <= SHARED_VALUE_BYTES) return encoded.toBytes();
  const text = `${where} takes values of up to ${SHARED_VALUE_BYTES} bytes, this one has ${encoded.bytes}. Scatter it, and give its future: ${where}(await client.scatter(value)).`;
  throw new FlockError("FLOCK_TOO_LARGE", text);
}

export interface TakenItem {
  readonly value: unknown;
  /** How many are left behind it. */
  readonly left: number;
}

/** Asks for an item: a future that comes is one of this session's, under a number that is told in the question. */
export async function take(session: Session, ask: (as: TaskNumber) => Promise<WithData<Taken>>): Promise<TakenItem> {
  const record = session.tasks.add("item", null, null);
  let isFutureHere = false;
  try {
    const { value, data } = await ask(record.n);
    const { key, left } = value;
    if (key === null) return { value: decodeValue(data, { copy: true }), left };
    session.tasks.rename(record, key, null);
    isFutureHere = true;
    return { value: session.tasks.futureOf(record), left };
  } finally {
    if (!isFutureHere) session.tasks.unused(record);
  }
}
