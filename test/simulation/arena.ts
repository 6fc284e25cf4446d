import type { TaskId } from "@taskflock/protocol/words";
import type { Content } from "./payloads.ts";

interface Entry {
  readonly content: Content;
  leases: number;
  dropped: boolean;
}

/** A modelled worker's store: results and copies under their task, kept while an item that runs reads them. */
export class Arena {
  readonly #name: string;
  readonly #entries = new Map<number, Entry>();
  /** What was dropped while it was read. */
  readonly #old: Entry[] = [];
  #leased = new Map<number, Entry[]>();

  constructor(name: string) {
    this.#name = name;
  }

  /** Entries that are not given back yet. */
  get count(): number {
    return this.#entries.size + this.#old.filter((entry) => entry.leases > 0).length;
  }

  has(task: TaskId): boolean {
    return this.#entries.has(task);
  }

  /** Storing again takes the place of what was there. */
  store(task: TaskId, content: Content): void {
    if (this.has(task)) this.drop(task);
    this.#entries.set(task, { content, leases: 0, dropped: false });
  }

  drop(task: TaskId): void {
    const entry = this.#entries.get(task);
    if (entry === undefined) throw new Error(`${this.#name} drops ${task}, which it does not have`);
    this.#entries.delete(task);
    entry.dropped = true;
    if (entry.leases > 0) this.#old.push(entry);
  }

  /** For one item that will read it. */
  lease(task: TaskId): void {
    const entry = this.#entries.get(task);
    if (entry === undefined) throw new Error(`${this.#name} is to read ${task}, which it does not have`);
    entry.leases++;
    const leased = this.#leased.get(task);
    if (leased === undefined) this.#leased.set(task, [entry]);
    else leased.push(entry);
  }

  unlease(task: TaskId): void {
    const entry = this.#leased.get(task)?.shift();
    if (entry === undefined) throw new Error(`${this.#name} has no lease on ${task}`);
    entry.leases--;
    if (this.#leased.get(task)?.length === 0) this.#leased.delete(task);
  }

  /** What an item that leased it reads, dropped since or not. */
  read(task: TaskId): Content {
    const entry = this.#leased.get(task)?.[0];
    if (entry === undefined) throw new Error(`${this.#name} reads ${task} without a lease`);
    return entry.content;
  }

  /** What a peer gets, or null. */
  serve(task: TaskId): Content | null {
    return this.#entries.get(task)?.content ?? null;
  }
}
