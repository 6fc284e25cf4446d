// The workloads that the client's process knows.

import type { LoneWorkload, Workload } from "../workload.ts";
import { broadcast, dictionary, imbalance, transfer } from "./data.ts";
import { digits } from "./digits.ts";
import { firstResult } from "./first-result.ts";
import { mapClosure, submitFunctions } from "./functions.ts";
import { dag, tree } from "./graphs.ts";
import { allReduce, parallelTraining } from "./groups.ts";
import { retained } from "./retained.ts";
import { chain, noop, roundTrip } from "./tiny-tasks.ts";
import { wordCount } from "./word-count.ts";
import { workerDies } from "./worker-dies.ts";

export const workloads: Readonly<Record<string, Workload | LoneWorkload>> = {
  "noop-10000": noop(10_000),
  "noop-50000": noop(50_000),
  "round-trip": roundTrip,
  "chain-1000": chain,
  "tree-8192": tree,
  "dag-10000": dag,
  "retained-50000": retained,
  "transfer-64mib": transfer,
  "dictionary-24000": dictionary,
  "broadcast-32mib": broadcast,
  "imbalance-200": imbalance,
  "digits-grid-search": digits,
  "word-count-3.3mb": wordCount(3.3, 256 * 1024),
  "word-count-330mb": wordCount(330, 8 * 1024 * 1024),
  "worker-dies": workerDies,
  "first-result": firstResult,
  "all-reduce-64mib": allReduce,
  "data-parallel-training": parallelTraining,
  "submit-functions": submitFunctions,
  "map-closure-50000": mapClosure,
};
