import type { Desk } from "../desk.ts";
import { detached, largeResults, published, replicated, scattered, visit } from "./data.ts";
import {
  chain,
  graph,
  limits,
  longer,
  placed,
  processes,
  pure,
  releases,
  retries,
  stragglers,
  tinyMap,
} from "./plain.ts";
import { actor, cancels, commands, forgotten, lock, queue, semaphore, tasksWithLocks } from "./sharing.ts";

type Unit = (desk: Desk) => Promise<void>;

/** Each with how often it is done, beside the others. */
export const units: ReadonlyArray<readonly [weight: number, unit: Unit]> = [
  [8, tinyMap],
  [6, chain],
  [5, graph],
  [6, largeResults],
  [4, scattered],
  [2, visit],
  [1, processes],
  [4, retries],
  [6, longer],
  [4, releases],
  [3, pure],
  [3, published],
  [2, detached],
  [2, replicated],
  [5, cancels],
  [3, lock],
  [2, tasksWithLocks],
  [3, queue],
  [1, forgotten],
  [3, actor],
  [3, placed],
  [2, limits],
  [2, stragglers],
  [1, semaphore],
  [1, commands],
];
