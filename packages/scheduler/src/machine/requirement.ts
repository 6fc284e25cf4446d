// What a lane asks of a worker, in figures and in words, and what the workers that are there lack of it.

import { RESOURCE_UNIT, type WhyRequirement, type WhyResource } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import type { Lane } from "./records.ts";
import { amountIn } from "./resources.ts";
import { isThere, type Worker } from "./worker-record.ts";

/** Workers and names that are listed, at most. */
const LISTED = 5;

export function requirementOf(core: Core, lane: Lane, able: readonly Worker[]): WhyRequirement {
  const there = [...core.workers.values()].filter(isThere);
  const names = [...(lane.workers ?? [])];
  return {
    resources: lane.resources.map(([name, amount]) => resourceAt(there, name, amount)),
    workers: names.slice(0, LISTED),
    workersInAll: names.length,
    workersThere: there.filter((worker) => lane.workers?.has(worker.name)).length,
    allowOtherWorkers: lane.allowOthers,
    there: there.length,
    able: able.length,
    paused: able.filter((worker) => worker.paused).length,
  };
}

function resourceAt(there: readonly Worker[], name: string, amount: number): WhyResource {
  const has = there.map((worker) => ({
    worker: worker.name,
    amount: amountIn(worker.hello.resources, name) / RESOURCE_UNIT,
  }));
  has.sort((a, b) => b.amount - a.amount || (a.worker < b.worker ? -1 : 1));
  return {
    name,
    amount: amount / RESOURCE_UNIT,
    has: has.slice(0, LISTED),
    hasNone: has.filter((h) => h.amount === 0).length,
  };
}

/** `GPU=2 and a worker named a or b`. */
export function sayRequirement({ resources, workers, workersInAll, allowOtherWorkers }: WhyRequirement): string {
  const parts = resources.map(({ name, amount }) => `${name}=${amount}`);
  if (workersInAll > 0) {
    const more = workersInAll > workers.length ? ` or ${workersInAll - workers.length} others` : "";
    const others = allowOtherWorkers ? " (others if none of them is there)" : "";
    parts.push(`a worker named ${workers.join(" or ")}${more}${others}`);
  }
  return parts.length === 0 ? "a worker" : parts.join(" and ");
}

/** Which part of it no worker meets. */
export function sayLack(requirement: WhyRequirement): string {
  const { resources, workers, workersInAll, workersThere, allowOtherWorkers, there } = requirement;
  if (there === 0) return "no worker is there";
  const lacks = resources.filter(({ amount, has }) => (has[0]?.amount ?? 0) < amount).map((r) => sayScarce(r, there));
  if (workersInAll > 0 && workersThere === 0 && !allowOtherWorkers) {
    lacks.push(workersInAll === 1 ? `no worker named ${workers[0]} is there` : "none of the workers named is there");
  }
  return lacks.length > 0
    ? lacks.join(", and ")
    : "each part of that some worker meets, but none meets all of it together";
}

function sayScarce({ name, amount, has, hasNone }: WhyResource, there: number): string {
  const some = has.filter((h) => h.amount > 0);
  if (some.length === 0) return `no worker has any ${name}`;
  const listed = some.map((h) => `${h.worker} has ${h.amount}`);
  const less = there - some.length - hasNone;
  if (less > 0) listed.push(`${less} others have no more`);
  if (hasNone > 0) listed.push(`${hasNone} ${hasNone === 1 ? "has" : "have"} none`);
  return `no worker has ${name}=${amount} (${listed.join(", ")})`;
}
