// More workers, fewer workers, other workers: by the group, and never one that still has something to do.

import { setTimeout as sleep } from "node:timers/promises";
import type { Client, WorkerInfo } from "@taskflock/client";
import { FlockError } from "@taskflock/protocol/words";
import type { AwsClients } from "./clients.ts";
import { endMember, type Group, groupOf, setDesired, setMost, staying } from "./machines.ts";

const LOOK_MS = 1_000;

export interface ResizeParts {
  readonly aws: AwsClients;
  readonly client: Client;
  /** Of the Auto Scaling group. */
  readonly group: string;
  readonly say: (line: string) => void;
  /** How long a worker that retires is waited for before its machine is ended nevertheless. */
  readonly retireMs: number;
}

/** Rejects with FLOCK_AWS_TOO_MANY when the group may not grow so far. */
export async function scaleTo(parts: ResizeParts, count: number): Promise<void> {
  const group = await mustGroup(parts);
  if (count > group.max)
    throw new FlockError(
      "FLOCK_AWS_TOO_MANY",
      `The group ${group.name} may have ${group.max} workers, not ${count}. Let it have more: taskflock aws up --set workersMax=${count}`,
    );
  const there = staying(group).length;
  // Those that AWS could not start yet would come while others retire, and then any would be ended.
  if (there >= count && group.desired > there) await setDesired(parts.aws, parts.group, there);
  if (there > count) await endIdlest(parts, group, there - count);
  const now = await mustGroup(parts);
  if (now.desired !== count) await setDesired(parts.aws, parts.group, count);
}

/** What is to be desired for `count` machines more than there are. Those that are asked for already, and that AWS has not started yet, count. Pure. */
export function grownTo(group: Group, count: number): number {
  return Math.max(group.desired, staying(group).length + count);
}

/** Those that have not joined first, then the idlest. Resolves with their names when their machines end. */
async function endIdlest(parts: ResizeParts, group: Group, over: number): Promise<void> {
  const workers = await parts.client.workers();
  const { mayGo } = await parts.client.scaling.advice();
  const ids = staying(group).map(({ id }) => id);
  await endMembers(parts, idlestFirst(ids, workers, mayGo).slice(0, over));
}

/** Pure. Workers are called as their machines. */
export function idlestFirst(
  ids: readonly string[],
  workers: readonly Pick<WorkerInfo, "name" | "running" | "assigned" | "storedBytes">[],
  mayGo: readonly string[],
): readonly string[] {
  const known = new Map(workers.map((worker) => [worker.name, worker]));
  const advised = new Map(mayGo.map((name, index) => [name, index]));
  const rank = (id: string): readonly number[] => {
    const worker = known.get(id);
    if (worker === undefined) return [0, 0, 0, 0];
    return [1, advised.get(id) ?? mayGo.length, worker.running + worker.assigned, worker.storedBytes];
  };
  return [...ids].sort((a, b) => {
    const [left, right] = [rank(a), rank(b)];
    return left.map((value, index) => value - (right[index] ?? 0)).find((difference) => difference !== 0) ?? 0;
  });
}

/** Retires the workers, and ends exactly their machines as each has left. */
export async function endMembers(parts: ResizeParts, ids: readonly string[]): Promise<void> {
  const { client, say } = parts;
  const here = new Set((await client.workers()).map(({ name }) => name));
  const retiring = ids.filter((id) => here.has(id));
  if (retiring.length > 0) {
    await client.retireWorkers(retiring);
    say(`${retiring.join(", ")}: retiring`);
  }
  await Promise.all(ids.map((id) => endWhenGone(parts, id)));
}

async function endWhenGone({ aws, client, say, retireMs }: ResizeParts, id: string): Promise<void> {
  const deadline = performance.now() + retireMs;
  while ((await client.workers()).some(({ name }) => name === id)) {
    if (performance.now() > deadline) {
      say(
        `${id}: it has not left within ${Math.round(retireMs / 1000)} s; its machine is stopped, and what it runs begins anew elsewhere`,
      );
      break;
    }
    await sleep(LOOK_MS);
  }
  const was = await endMember(aws, id);
  say(was ? `${id}: ended` : `${id}: AWS had taken it already`);
}

/** Of those, the ones that were started by another version of the launch template than new ones are. */
export function outdated(group: Group): readonly string[] {
  return staying(group)
    .filter(({ version }) => version !== group.version)
    .map(({ id }) => id);
}

/**
 * One after another: a new machine joins, an old one retires and ends. Begins where it was left, since only old ones are replaced. The group
 * may be larger by one meanwhile.
 */
export async function rollWorkers(
  parts: ResizeParts,
  awaitOneMore: (joined: number) => Promise<void>,
): Promise<number> {
  let rolled = 0;
  for (;;) {
    const group = await mustGroup(parts);
    const [old] = outdated(group);
    if (old === undefined) return rolled;
    parts.say(`${old} has an older profile: a new one is started, then it retires (${outdated(group).length} to go)`);
    const most = Math.max(group.max, group.desired + 1);
    if (most !== group.max) await setMost(parts.aws, parts.group, most);
    try {
      await setDesired(parts.aws, parts.group, group.desired + 1);
      await awaitOneMore(group.desired + 1);
      await endMembers(parts, [old]);
    } finally {
      if (most !== group.max) await letShrink(parts, group.max);
    }
    rolled++;
  }
}

/** A group that is still larger, since the new one did not come or the old one did not go, would lose any: `up` ends the right ones. */
async function letShrink({ aws, group }: ResizeParts, most: number): Promise<void> {
  const now = await groupOf(aws, group);
  if (now !== null && now.desired <= most && staying(now).length <= most) await setMost(aws, group, most);
}

async function mustGroup({ aws, group }: ResizeParts): Promise<Group> {
  const found = await groupOf(aws, group);
  if (found !== null) return found;
  throw new FlockError("FLOCK_AWS_NOT_READY", `There is no group ${group}: was it taken down?`);
}
