// The backstop: futures that nobody can reach give their handles back. Watching each of 50,000 futures of a map would cost
// more than sending their tasks, so those of one map are watched in groups, which go when their last member does.

import { TaskRecord } from "./record.ts";

const GROUP = 32;

/** Referred to by the futures of a group and by nothing else. */
export interface Anchor {
  readonly members: Members;
}

/** The records of a group; null for those whose futures were released. */
interface Members {
  readonly records: (TaskRecord | null)[];
  count: number;
}

export class Reachability {
  readonly #registry: FinalizationRegistry<TaskRecord | Members>;

  constructor(drop: (record: TaskRecord) => void) {
    this.#registry = new FinalizationRegistry((held) => {
      if (held instanceof TaskRecord) drop(held);
      else for (const record of held.records) if (record !== null) drop(record);
    });
  }

  watch(future: object, record: TaskRecord): void {
    this.#registry.register(future, record, future);
  }

  /** The anchors of futures that are about to be made for `records`: one for each run of 32. All records are different. */
  anchors(records: readonly TaskRecord[]): Anchor[] {
    const anchors: Anchor[] = [];
    for (let from = 0; from < records.length; from += GROUP) {
      const group = records.slice(from, from + GROUP);
      const members: Members = { records: group, count: group.length };
      const anchor: Anchor = { members };
      this.#registry.register(anchor, members, anchor);
      anchors.push(anchor);
    }
    return anchors;
  }

  unwatch(future: object, anchor: Anchor | null, record: TaskRecord): void {
    if (anchor === null) {
      this.#registry.unregister(future);
      return;
    }
    const { members } = anchor;
    members.records[members.records.indexOf(record)] = null;
    if (--members.count === 0) this.#registry.unregister(anchor);
  }
}

export function anchorOf(anchors: readonly Anchor[], index: number): Anchor {
  return anchors[Math.floor(index / GROUP)]!;
}
