// Data on the cluster that has a name, or that people copy and move.

/** A dataset as it is published. */
export interface DatasetContent {
  /** Another each time that the name is used. */
  readonly version: number;
  /** The results that stand in it, by their index there. */
  readonly results: readonly { readonly name: string; readonly key: string }[];
}

export interface DatasetFacts {
  readonly name: string;
  readonly results: number;
  /** Of all its results, as far as they are done; and of the structure in which they stand. */
  readonly bytes: number;
  /** The name of the client. */
  readonly by: string;
  readonly agoMs: number;
}

/** What a request to copy or move results came to. */
export interface Moves {
  /** Copies that were made; and their bytes. */
  readonly count: number;
  readonly bytes: number;
  /** The first of them. */
  readonly moves: readonly Move[];
  /** Those that were not made: how many, and the first. */
  readonly refusedCount: number;
  readonly refused: readonly RefusedMove[];
}

export interface Move {
  readonly key: string;
  readonly bytes: number;
  /** The worker that let go of it, or null where it was copied. */
  readonly from: string | null;
  readonly to: string;
}

export interface RefusedMove {
  readonly key: string;
  readonly to: string;
  readonly why: string;
}

/** What a worker stores. */
export interface HeldResults {
  readonly count: number;
  readonly bytes: number;
  /** The largest of them. */
  readonly keys: readonly string[];
}
