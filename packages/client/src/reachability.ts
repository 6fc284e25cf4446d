// The backstop: futures that nobody can reach give their handles back. Watching each of them would cost more than sending its
// task, so those that are made in one turn of the event loop are watched in groups, which go when their last member does: one
// that lives holds up to 31 others of its turn.

import type { TaskRecord } from "./record.ts";

const GROUP = 32;

/** Referred to by the futures of a group and by nothing that lasts. */
export interface Anchor {
  readonly members: Members;
}

/** The records of a group; null for those whose futures were released. */
interface Members {
  readonly records: (TaskRecord | null)[];
  count: number;
}

export class Reachability {
  readonly #registry: FinalizationRegistry<Members>;
  /** Takes further futures, to the end of the turn. */
  #open: Anchor | null = null;
  #closing = false;

  constructor(drop: (record: TaskRecord) => void) {
    this.#registry = new FinalizationRegistry(({ records }) => {
      for (const record of records) if (record !== null) drop(record);
    });
  }

  /** The anchor of a future that is about to be made for the record. */
  anchor(record: TaskRecord): Anchor {
    let open = this.#open;
    if (open === null || open.members.records.length === GROUP) open = this.#begin();
    open.members.records.push(record);
    open.members.count++;
    return open;
  }

  /** The future of the record gave its handle back. */
  unwatch(anchor: Anchor, record: TaskRecord): void {
    const { members } = anchor;
    members.records[members.records.indexOf(record)] = null;
    if (--members.count === 0 && anchor !== this.#open) this.#registry.unregister(anchor);
  }

  #begin(): Anchor {
    this.#close();
    const members: Members = { records: [], count: 0 };
    const anchor: Anchor = { members };
    this.#registry.register(anchor, members, anchor);
    this.#open = anchor;
    if (!this.#closing) {
      this.#closing = true;
      // Futures of other turns may live much longer, and would keep these.
      setImmediate(() => {
        this.#closing = false;
        this.#close();
      });
    }
    return anchor;
  }

  #close(): void {
    const open = this.#open;
    this.#open = null;
    if (open?.members.count === 0) this.#registry.unregister(open);
  }
}
