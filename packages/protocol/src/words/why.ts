// Why a task waits, or how it ended: what the scheduler knows, in words and as data.

/** A resource that a task takes while it runs. */
export interface WhyResource {
  readonly name: string;
  readonly amount: number;
  /** Workers that are there and what each has of it in all, the richest five. */
  readonly has: readonly { readonly worker: string; readonly amount: number }[];
  /** How many workers have none. */
  readonly hasNone: number;
}

/** What a task asks of a worker. */
export interface WhyRequirement {
  readonly resources: readonly WhyResource[];
  /** Names of workers, the first five; how many are named in all, and how many of those are there. */
  readonly workers: readonly string[];
  readonly workersInAll: number;
  readonly workersThere: number;
  readonly allowOtherWorkers: boolean;
  /** Workers that are there and take tasks; and how many of them could ever run it. */
  readonly there: number;
  readonly able: number;
}
