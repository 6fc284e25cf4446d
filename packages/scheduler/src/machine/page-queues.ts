// What queued tasks ask for, and how many of a kind could run at one time on the workers that are there.

import type { QueueLine } from "@taskflock/protocol/words";
import { RESOURCE_UNIT } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { ableWorkers } from "./lanes.ts";
import type { Lane } from "./records.ts";
import { amountIn } from "./resources.ts";
import { begun } from "./supply.ts";
import type { Worker } from "./worker-record.ts";

const LINES_SHOWN = 20;
const NAMES_SHOWN = 3;

export function queueLines(core: Core): QueueLine[] {
  const queued = new Map<Lane, number>();
  const add = (lane: Lane, count: number): void => {
    if (count > 0) queued.set(lane, (queued.get(lane) ?? 0) + count);
  };
  add(core.open, core.open.count);
  for (const lane of core.lanes.values()) add(lane, lane.count);
  // Any worker could run what waits for the one that has its data.
  for (const { count } of core.parkedLanes) add(core.open, count);
  for (const [lane, actors] of core.actorsWaiting) add(lane, actors.size);
  const longest = [...queued].sort(([, a], [, b]) => b - a).slice(0, LINES_SHOWN);
  return longest.map(([lane, count]) => lineOf(core, lane, count));
}

function lineOf(core: Core, lane: Lane, queued: number): QueueLine {
  let places = 0;
  let running = 0;
  for (const worker of ableWorkers(core, lane)) {
    const all = placesAt(worker, lane, totalOf);
    places += all;
    // What others take of the same resources takes places, too.
    running += lane.resources.length === 0 ? Math.min(all, begun(worker)) : all - placesAt(worker, lane, freeOf);
  }
  return { asks: asksOf(lane), queued, places, running };
}

/** How many of the lane's tasks fit in the worker's slots, and in the resources that `amountOf` says. */
function placesAt(worker: Worker, lane: Lane, amountOf: (worker: Worker, name: string) => number): number {
  let most = worker.slots;
  for (const [name, amount] of lane.resources) most = Math.min(most, Math.floor(amountOf(worker, name) / amount));
  return Math.max(0, most);
}

function totalOf({ hello }: Worker, name: string): number {
  return amountIn(hello.resources, name);
}

function freeOf({ free }: Worker, name: string): number {
  return free.get(name) ?? 0;
}

/** `GPU 1, worker a or b`. */
function asksOf({ resources, workers, allowOthers }: Lane): string {
  const parts = resources.map(([name, amount]) => `${name} ${amount / RESOURCE_UNIT}`);
  if (workers !== null) {
    const names = [...workers].slice(0, NAMES_SHOWN).join(" or ");
    const more = workers.size > NAMES_SHOWN ? ` or ${workers.size - NAMES_SHOWN} others` : "";
    parts.push(`worker ${names}${more}${allowOthers ? " if one of them is there" : ""}`);
  }
  return parts.join(", ");
}
