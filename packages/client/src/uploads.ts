// Data of the client's on its way to workers: kept until one holds it, put where the scheduler says.

import type {
  BulkClient,
  ClientToScheduler,
  Holder,
  TaskId,
  TaskNumber,
  UploadTo,
  WorkerId,
} from "@taskflock/protocol";

export interface UploadHost {
  send(message: ClientToScheduler): void;
}

interface Upload {
  readonly bytes: Uint8Array;
  readonly abort: AbortController;
  /** Where it is going: after a cut the scheduler says `uploadTo` again. */
  readonly busy: Set<WorkerId>;
}

export class Uploads {
  readonly #host: UploadHost;
  readonly #bulk: BulkClient;
  readonly #waiting: Map<TaskNumber, Upload> = new Map();

  constructor(host: UploadHost, bulk: BulkClient) {
    this.#host = host;
    this.#bulk = bulk;
  }

  /** Keeps the bytes for the scheduler's `uploadTo`; nobody may change them. */
  add(n: TaskNumber, bytes: Uint8Array): void {
    this.#waiting.set(n, { bytes, abort: new AbortController(), busy: new Set() });
  }

  /** True until the data is on the cluster, or never will be. */
  has(n: TaskNumber): boolean {
    return this.#waiting.has(n);
  }

  uploadTo({ n, task, holders }: UploadTo): void {
    const upload = this.#waiting.get(n);
    if (upload === undefined) return;
    for (const holder of holders) void this.#put(n, task, holder, upload);
  }

  /** Workers hold the data: copies that are still under way go on. */
  placed(n: TaskNumber): void {
    this.#waiting.delete(n);
  }

  /** Nobody wants the data any more. */
  drop(n: TaskNumber): void {
    this.#waiting.get(n)?.abort.abort();
    this.#waiting.delete(n);
  }

  close(): void {
    for (const n of [...this.#waiting.keys()]) this.drop(n);
  }

  async #put(n: TaskNumber, task: TaskId, holder: Holder, { bytes, abort, busy }: Upload): Promise<void> {
    const { worker, address, version } = holder;
    if (busy.has(worker)) return;
    busy.add(worker);
    try {
      await this.#bulk.put(address, task, bytes, abort.signal);
    } catch {
      // The scheduler answers with another `uploadTo`, or fails the data.
      if (!abort.signal.aborted) this.#host.send({ t: "unavailable", n, holder: worker, version });
    } finally {
      busy.delete(worker);
    }
  }
}
