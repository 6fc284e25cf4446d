// What the program and its clients say to each other.

/** The worker that lives through it all: what leaks shows there. */
export const ELDER = "elder";

/** Kinds of endings that are right, counted. */
export type Outcome = "right" | "failedByPlan" | "cancelled" | "released" | "dataLost" | "actorLost";

export interface Tally {
  /** Futures that were acknowledged. */
  readonly tasks: number;
  readonly units: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
}

/** What outlives a client that is killed, by contract: the program removes it then. */
export interface Litter {
  readonly kind: "dataset" | "queue" | "run" | "variable";
  readonly name: string;
}

export type ToPlayer =
  | { readonly t: "begin" }
  /** Finish what is under way, release everything, collect garbage. */
  | { readonly t: "drain" };

export type FromPlayer =
  | { readonly t: "connected" }
  | { readonly t: "tally"; readonly tally: Tally }
  | { readonly t: "drained"; readonly bytesInUse: number; readonly tally: Tally }
  | { readonly t: "wrong"; readonly text: string }
  /** Something was lost that may be lost, if a worker ended without notice meanwhile; milliseconds since 1970. */
  | {
      readonly t: "lost";
      readonly what: string;
      readonly since: number;
      readonly until: number;
      readonly isRetireEnough: boolean;
    }
  | { readonly t: "litter"; readonly litter: Litter; readonly isThere: boolean };
