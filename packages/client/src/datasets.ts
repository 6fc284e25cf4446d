// Published data: results under a name, for all clients, in the structure in which they stand.

import { type DatasetContent, decodeValue, encodeValue, FlockError, isFlockError } from "@taskflock/protocol";
import { type Future, type FutureOwner, isFuture, recordOf } from "./future.ts";
import { delayedGiven, isDelayed } from "./graph/delayed.ts";
import { ensureOwn } from "./own-futures.ts";
import type { Questions, QuestionsHost, WithData } from "./questions.ts";
import type { TaskRecord } from "./record.ts";
import type { TaskTable } from "./task-table.ts";

/** Of the structure: it stays with the scheduler, and travels in one message. */
const MAX_STRUCTURE_BYTES = 1024 * 1024;
/** A name whose data changes under every look is somebody's mistake. */
const MAX_LOOKS = 10;

export interface DatasetHost extends FutureOwner, QuestionsHost {
  readonly questions: Questions;
  readonly tasks: TaskTable;
}

/** See `Client.publish`. */
export async function publish(host: DatasetHost, name: string, value: unknown, override: boolean): Promise<void> {
  const records = new Map<TaskRecord, number>();
  const bytes = encodeStructure(host, value, records);
  const data = host.payloads.put(bytes);
  try {
    const ns = Array.from(records.keys(), ({ n }) => n);
    await host.questions.ask({ q: "publish", name, ns, override, data, dataBytes: bytes.length });
  } catch (error) {
    // The scheduler does not know what failed before it was sent.
    for (const { fault } of records.keys()) if (fault !== null) throw fault;
    throw error;
  } finally {
    host.payloads.free(data);
  }
}

/** See `Client.getDataset`. In an array: what it gives may be a future, which nobody is to await. */
export async function getDataset(host: DatasetHost, name: string): Promise<readonly [unknown]> {
  for (let look = 1; ; look++) {
    const content = await host.questions.askWithData({ q: "dataset", name });
    const futures = await refer(host, name, content, look === MAX_LOOKS);
    if (futures !== null) return [decodeValue(content.data, { copy: true, leaf: (_, index) => futures[index] })];
  }
}

/** Null when the name was given to other data meanwhile. */
async function refer(
  host: DatasetHost,
  name: string,
  { value }: WithData<DatasetContent>,
  isLast: boolean,
): Promise<readonly Future<unknown>[] | null> {
  const { version, results } = value;
  const futures = results.map((result) => host.tasks.futureOf(host.tasks.add(result.name, result.key, null)));
  if (futures.length === 0) return futures;
  try {
    await host.questions.ask({ q: "referToDataset", name, version, as: futures.map((future) => recordOf(future).n) });
    return futures;
  } catch (error) {
    for (const future of futures) future.release();
    if (isFlockError(error) && error.code === "FLOCK_DATASET_UNKNOWN" && !isLast) return null;
    throw error;
  }
}

/** Puts the records of the futures that it meets into `records`. */
function encodeStructure(host: DatasetHost, value: unknown, records: Map<TaskRecord, number>): Uint8Array {
  const encoded = encodeValue(value, {
    leaf: (leaf, path) => {
      if (isDelayed(leaf)) throw delayedGiven(`publish: ${path()}`, leaf);
      if (!isFuture(leaf)) return undefined;
      ensureOwn("publish", host, leaf);
      const record = recordOf(leaf);
      const index = records.get(record) ?? records.size;
      records.set(record, index);
      return { kind: "future", index };
    },
  });
  if (encoded.bytes > MAX_STRUCTURE_BYTES) {
    throw new FlockError(
      "FLOCK_TOO_LARGE",
      `publish: what stands beside the futures comes to ${encoded.bytes} bytes of ${MAX_STRUCTURE_BYTES}. Scatter the large values, and publish their futures: publish(name, { X: await client.scatter(X) }).`,
    );
  }
  const bytes = new Uint8Array(encoded.bytes);
  encoded.writeTo(bytes, 0);
  return bytes;
}
