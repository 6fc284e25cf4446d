// What a cluster on AWS is, does and costs.

import type { WorkerInfo } from "@taskflock/client";
import { columns } from "../format.ts";
import type { AwsStack } from "./cluster.ts";
import { type ClusterCost, clusterCost, dollars, HOUR_MS, type PriceBook, rateOf, runCosts } from "./cost.ts";
import { schedulerPrice } from "./estimate.ts";
import { groupOf, type Machine, machinesOf } from "./machines.ts";
import { priceBook } from "./prices.ts";

export interface RunShare {
  readonly name: string;
  readonly slotSeconds: number;
  /** USD; null: nothing is known to share. */
  readonly cost: number | null;
}

export interface AwsStatus {
  readonly name: string;
  readonly region: string;
  readonly address: string | null;
  readonly dashboard: string | null;
  readonly expiresAt: string | null;
  readonly wanted: number;
  readonly joined: number;
  readonly machines: readonly (Machine & { readonly rate: number | null; readonly worker: string })[];
  readonly cost: ClusterCost;
  /** USD, when all stays as it is; null: it is not known when it expires. */
  readonly costUntilExpiry: number | null;
  readonly runs: readonly RunShare[];
  /** Why the scheduler could not be asked. */
  readonly trouble: string;
}

async function knownMachines(
  cluster: AwsStack,
  nowMs: number,
): Promise<{ machines: readonly Machine[]; book: PriceBook }> {
  const { aws, stack, profile } = cluster;
  const machines = stack.remember(await machinesOf(aws, cluster.tag), nowMs);
  const scheduler = await schedulerPrice(aws, profile);
  const given = new Map(scheduler.price > 0 ? [[profile.schedulerInstanceType, scheduler.price]] : []);
  return { machines, book: await priceBook(aws, machines, given) };
}

/** Of all its machines since its start, as far as they were seen. */
export async function costNow(cluster: AwsStack, nowMs: number = Date.now()): Promise<ClusterCost> {
  const { machines, book } = await knownMachines(cluster, nowMs);
  return clusterCost(machines, book, nowMs);
}

export async function awsStatus(cluster: AwsStack, nowMs: number = Date.now()): Promise<AwsStatus> {
  const { stack, profile, aws } = cluster;
  const facts = cluster.facts();
  const { machines, book } = await knownMachines(cluster, nowMs);
  const group = await groupOf(aws, cluster.groupName);
  const asked = await askScheduler(cluster);
  const workers = new Map(asked.workers.map((worker) => [worker.name, worker]));
  const cost = clusterCost(machines, book, nowMs);
  const leftMs = facts === null ? null : Math.max(0, Date.parse(facts.expiresAt) - nowMs);
  const workersRate = clusterCost(
    machines.filter(({ role }) => role === "worker"),
    book,
    nowMs,
  ).rate;
  const slots = asked.workers.reduce((sum, worker) => sum + worker.slots, 0);
  return {
    ...{ name: stack.name, region: profile.region },
    address: facts?.address ?? null,
    dashboard: facts?.dashboard ?? null,
    expiresAt: facts?.expiresAt ?? null,
    wanted: group?.desired ?? 0,
    joined: asked.workers.length,
    machines: machines.map((machine) => ({
      ...machine,
      rate: rateOf(machine, book),
      worker:
        machine.role === "scheduler"
          ? asked.trouble === ""
            ? "answers"
            : "-"
          : (workers.get(machine.id)?.status ?? "-"),
    })),
    cost,
    costUntilExpiry: leftMs === null ? null : cost.spent + (cost.rate * leftMs) / HOUR_MS,
    runs: runCosts(asked.runs, { slots, workersRate }),
    trouble: asked.trouble,
  };
}

interface Asked {
  readonly workers: readonly WorkerInfo[];
  readonly runs: readonly { readonly name: string; readonly slotSeconds: number }[];
  readonly trouble: string;
}

const NAME = "taskflock aws status";

async function askScheduler(cluster: AwsStack): Promise<Asked> {
  try {
    const client = await cluster.connect(NAME);
    try {
      const { workers, runs } = await client.cluster();
      const used = runs.filter(({ name }) => name !== NAME);
      return { workers, runs: used.map(({ name, spentUs }) => ({ name, slotSeconds: spentUs / 1e6 })), trouble: "" };
    } finally {
      await client.close();
    }
  } catch (error) {
    return { workers: [], runs: [], trouble: (error as Error).message };
  }
}

export function formatStatus(status: AwsStatus): string {
  const { cost, costUntilExpiry, expiresAt, trouble } = status;
  const lines = [
    `${status.name} in ${status.region}, ${status.address ?? "not up yet"}${status.dashboard === null ? "" : `, page ${status.dashboard}`}`,
    trouble === ""
      ? `Workers: ${status.wanted} wanted, ${status.joined} joined`
      : `The scheduler was not asked: ${trouble}`,
    "",
    ...columns([
      ["MACHINE", "ROLE", "TYPE", "ZONE", "KIND", "STATE", "SINCE", "USD/HOUR", "WORKER"],
      ...status.machines.map((machine) => [
        machine.id,
        machine.role,
        machine.type,
        machine.zone,
        machine.spot ? "spot" : "on demand",
        machine.state,
        minute(machine.launchedMs),
        machine.rate === null ? "?" : machine.rate.toFixed(4),
        machine.worker,
      ]),
    ]),
    "",
    `So far: ${dollars(cost.spent)}, now ${dollars(cost.rate)} an hour${cost.unknown.length > 0 ? `; without ${cost.unknown.join(", ")}, whose price is not known` : ""}`,
  ];
  if (expiresAt !== null && costUntilExpiry !== null)
    lines.push(
      `Expires ${minute(Date.parse(expiresAt))}; until then ${dollars(costUntilExpiry)} if all stays as it is`,
    );
  if (status.runs.length > 0)
    lines.push(
      "",
      ...columns([
        ["RUN", "SLOT TIME", "COST"],
        ...status.runs.map(({ name, slotSeconds, cost: share }) => [
          name,
          `${slotSeconds.toFixed(1)} s`,
          share === null ? "-" : dollars(share),
        ]),
      ]),
    );
  return lines.join("\n");
}

/** In UTC, as AWS says times. */
function minute(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
