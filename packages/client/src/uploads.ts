// Data of the client's on its way to workers: kept until one holds it, put where the scheduler says.

import {
  type BulkClient,
  type ClientToScheduler,
  type Holder,
  Outgoing,
  type TaskId,
  type TaskNumber,
  type UploadTo,
  type WorkerId,
  whyMissing,
} from "@taskflock/protocol";
import { SpareMemory } from "./spare-memory.ts";

export interface UploadHost {
  send(message: ClientToScheduler): void;
}

interface Upload {
  readonly data: Outgoing;
  readonly abort: AbortController;
  /** Where it is going: after a cut the scheduler says `uploadTo` again. */
  readonly busy: Set<WorkerId>;
  /** The cluster had it before: nobody says when it has it again. */
  readonly again: boolean;
}

export class Uploads {
  readonly #host: UploadHost;
  readonly #bulk: BulkClient;
  readonly #waiting: Map<TaskNumber, Upload> = new Map();
  readonly #idle: (() => void)[] = [];
  /** Where what is to be added may be written: it is used again once it was sent. */
  readonly memory: SpareMemory = new SpareMemory();

  constructor(host: UploadHost, bulk: BulkClient) {
    this.#host = host;
    this.#bulk = bulk;
  }

  /** Keeps the bytes for the scheduler's `uploadTo`; nobody may change them. */
  add(n: TaskNumber, bytes: Uint8Array): void {
    this.#waiting.set(n, { data: new Outgoing(bytes), abort: new AbortController(), busy: new Set(), again: false });
  }

  /** Puts bytes that the cluster had before where the scheduler says. */
  again(message: UploadTo, bytes: Uint8Array): void {
    const { n } = message;
    if (!this.#waiting.has(n)) {
      const data = new Outgoing(bytes);
      this.#waiting.set(n, { data, abort: new AbortController(), busy: new Set(), again: true });
    }
    this.uploadTo(message);
  }

  /** True until the data is on the cluster, or never will be. */
  has(n: TaskNumber): boolean {
    return this.#waiting.has(n);
  }

  /** Resolves once nothing is on its way any more, or, at the end of some `patienceMs`, no worker is taking any of what is left. */
  async idle(patienceMs: number): Promise<void> {
    while (this.#waiting.size > 0) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#idle.push(resolve);
        timer = setTimeout(resolve, patienceMs);
      });
      clearTimeout(timer);
      if (![...this.#waiting.values()].some(({ busy }) => busy.size > 0)) return;
    }
  }

  uploadTo({ n, task, holders }: UploadTo): void {
    const upload = this.#waiting.get(n);
    if (upload === undefined) return;
    for (const holder of holders) void this.#put(n, task, holder, upload);
  }

  /** Workers hold the data: copies that are still under way go on. */
  placed(n: TaskNumber): void {
    const upload = this.#waiting.get(n);
    if (upload !== undefined) this.#over(n, upload);
  }

  /** Nobody wants the data any more. */
  drop(n: TaskNumber): void {
    const upload = this.#waiting.get(n);
    if (upload === undefined) return;
    upload.abort.abort();
    this.#over(n, upload);
  }

  close(): void {
    for (const n of [...this.#waiting.keys()]) this.drop(n);
    this.memory.clear();
  }

  #over(n: TaskNumber, upload: Upload): void {
    this.#waiting.delete(n);
    if (this.#waiting.size === 0) for (const wake of this.#idle.splice(0)) wake();
    if (upload.busy.size === 0) this.memory.give(upload.data.bytes);
  }

  async #put(n: TaskNumber, task: TaskId, holder: Holder, upload: Upload): Promise<void> {
    const { data, abort, busy } = upload;
    const { worker, version } = holder;
    if (busy.has(worker)) return;
    busy.add(worker);
    try {
      await this.#bulk.put(holder, task, data, abort.signal);
    } catch (error) {
      // The scheduler answers with another `uploadTo`, or fails the data.
      if (!abort.signal.aborted)
        this.#host.send({ t: "unavailable", n, holder: worker, version, why: whyMissing(holder, error) });
    } finally {
      busy.delete(worker);
      if (upload.again && busy.size === 0 && this.#waiting.get(n) === upload) this.#over(n, upload);
      if (busy.size === 0 && this.#waiting.get(n) !== upload) this.memory.give(data.bytes);
    }
  }
}
