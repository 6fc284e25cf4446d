// Where results are stored, and copies and moves of them that people ask for.

import { FlockError, type HeldResults, type Move, type Moves, type RefusedMove } from "@taskflock/protocol/words";
import { type Future, type FutureOwner, recordOf } from "./future.ts";
import { settled } from "./gather.ts";
import { type Checks, checkOptions, describe, integerFrom, names } from "./option-checks.ts";
import { ownFutures } from "./own-futures.ts";
import type { Questions } from "./questions.ts";
import type { Results } from "./results.ts";

export interface ReplicateOptions {
  /** How many copies there are to be, with those that there are. Default: one on every worker. */
  readonly copies?: number;
  /** The names of workers that may get one. Default: all. */
  readonly workers?: readonly string[];
}

export interface RebalanceOptions {
  /** The names of the workers among which results are moved. Default: all. */
  readonly workers?: readonly string[];
}

export interface MovesHost extends FutureOwner {
  readonly questions: Questions;
  readonly results: Results;
}

const MAX_COPIES = 1_000_000;
const replicateChecks: Checks<ReplicateOptions> = { copies: integerFrom(1, MAX_COPIES), workers: names };
const rebalanceChecks: Checks<RebalanceOptions> = { workers: names };
/** Futures of one question. */
const AT_ONCE = 10_000;

/** See `Client.replicate`. */
export async function replicate(host: MovesHost, structure: unknown, options?: ReplicateOptions): Promise<Moves> {
  const { copies = MAX_COPIES, workers = [] } = checkOptions("replicate", options, replicateChecks);
  const futures = ownFutures("replicate", host, structure);
  await settled(host, futures, "raise");
  const parts: Moves[] = [];
  for (const ns of pages(futures)) parts.push(await host.questions.ask({ q: "replicate", ns, copies, workers }));
  return parts.length === 1 ? parts[0]! : together(parts);
}

/** See `Client.rebalance`. */
export async function rebalance(host: MovesHost, structure: unknown, options?: RebalanceOptions): Promise<Moves> {
  const { workers = [] } = checkOptions("rebalance", options, rebalanceChecks);
  if (structure === undefined) return host.questions.ask({ q: "rebalance", ns: null, workers });
  const futures = ownFutures("rebalance", host, structure);
  await settled(host, futures, "raise");
  return host.questions.ask({ q: "rebalance", ns: futures.map((future) => recordOf(future).n), workers });
}

/** See `Client.whoHas`. */
export async function whoHas(host: MovesHost, structure: unknown): Promise<Record<string, readonly string[]>> {
  const futures = ownFutures("whoHas", host, structure);
  const found: Record<string, readonly string[]> = {};
  let at = 0;
  for (const ns of pages(futures)) {
    const holders = await host.questions.ask({ q: "whoHas", ns });
    for (const names of holders) found[futures[at++]!.key] = names;
  }
  return found;
}

/** See `Client.hasWhat`. */
export function hasWhat(host: MovesHost, workers: readonly string[]): Promise<Readonly<Record<string, HeldResults>>> {
  const takes = names(workers);
  if (takes === null) return host.questions.ask({ q: "hasWhat", workers: [...workers] });
  throw new FlockError("FLOCK_ARGUMENT_INVALID", `hasWhat takes ${takes}, not ${describe(workers)}.`);
}

function* pages(futures: readonly Future<unknown>[]): Iterable<ReturnType<typeof numbersOf>> {
  for (let at = 0; at < futures.length; at += AT_ONCE) yield numbersOf(futures.slice(at, at + AT_ONCE));
}

function numbersOf(futures: readonly Future<unknown>[]): readonly ReturnType<typeof recordOf>["n"][] {
  return futures.map((future) => recordOf(future).n);
}

function together(parts: readonly Moves[]): Moves {
  const moves: Move[] = [];
  const refused: RefusedMove[] = [];
  const sums = { count: 0, bytes: 0, refusedCount: 0 };
  for (const part of parts) {
    sums.count += part.count;
    sums.bytes += part.bytes;
    sums.refusedCount += part.refusedCount;
    moves.push(...part.moves);
    refused.push(...part.refused);
  }
  return { ...sums, moves, refused };
}
