// Waits until a cluster's workers have joined its scheduler, and says how it goes.

import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "@taskflock/client";
import { FlockError, isFlockError } from "@taskflock/protocol/words";
import type { AwsClients } from "./clients.ts";
import { failedStarts, groupOf, machinesOf, staying } from "./machines.ts";
import type { StackFacts } from "./stack.ts";

const LOOK_MS = 5_000;
/** So many failures of AWS's in a row (throttled, the network) end nothing. */
const FAILURES_BORNE = 3;

export interface JoiningParts {
  readonly aws: AwsClients;
  readonly facts: StackFacts;
  readonly connect: () => Promise<Client>;
  readonly say: (line: string) => void;
  /** How long it may take. */
  readonly timeoutMs: number;
  /** Between two looks. Default 5 s. */
  readonly lookMs?: number;
}

/** A client, when the scheduler answers. Rejects with FLOCK_AWS_NOT_READY, with what to look at. */
export async function reachScheduler(parts: JoiningParts): Promise<Client> {
  const { connect, say, facts, lookMs = LOOK_MS } = parts;
  const told = new Told(say);
  const deadline = performance.now() + parts.timeoutMs;
  for (;;) {
    try {
      return await connect();
    } catch (error) {
      // What waiting does not mend.
      if (!isFlockError(error) || !isPatient(error)) throw error;
      if (performance.now() > deadline) throw await notReady(parts, `The scheduler does not answer: ${error.message}`);
      told.say(
        `The scheduler ${facts.schedulerId} does not answer yet at ${facts.address}: it boots, and pulls its image.`,
      );
    }
    await sleep(lookMs);
  }
}

const isPatient = ({ code }: FlockError): boolean =>
  ["FLOCK_CONNECTION_REFUSED", "FLOCK_CONNECTION_LOST", "FLOCK_NOT_A_SCHEDULER"].includes(code);

/** Resolves when as many workers as the group is to have are there. Rejects with FLOCK_AWS_NOT_READY. */
export async function awaitJoined(client: Client, parts: JoiningParts): Promise<number> {
  const { aws, facts, say, lookMs = LOOK_MS } = parts;
  const told = new Told(say);
  const startedMs = Date.now();
  const deadline = performance.now() + parts.timeoutMs;
  const ask = <T>(asking: () => Promise<T>): Promise<T> => borne(asking, told, lookMs);
  for (;;) {
    const group = await ask(() => groupOf(aws, facts.group));
    if (group === null)
      throw new FlockError("FLOCK_AWS_NOT_READY", `There is no group ${facts.group}: was it taken down?`);
    const joined = (await client.workers()).filter(({ status }) => status === "running" || status === "paused").length;
    const machines = staying(group).length;
    told.say(`Workers: ${group.desired} wanted, ${machines} machines, ${joined} joined`);
    if (joined >= group.desired) return joined;
    for (const { message } of await ask(() => failedStarts(aws, facts.group, startedMs - 60_000)))
      told.once(`AWS could not start one: ${message}${hintFor(message)}`);
    if (performance.now() > deadline) throw await notReady(parts, `${joined} of ${group.desired} workers joined.`);
    await sleep(lookMs);
  }
}

/** What AWS's words mean, and what helps. */
export function hintFor(message: string): string {
  if (/VcpuLimitExceeded|MaxSpotInstanceCountExceeded/.test(message))
    return " → the quota of vCPUs: taskflock aws check --request-quota";
  if (/InsufficientInstanceCapacity|UnfulfillableCapacity/.test(message))
    return " → none is left of these types in these zones: more alternativeInstanceTypes, or another region; the group goes on trying";
  if (/SpotMaxPriceTooLow|price/i.test(message))
    return " → spotPrice is below the price: taskflock aws check shows them";
  return "";
}

async function notReady({ aws, facts, timeoutMs }: JoiningParts, what: string): Promise<FlockError> {
  const known = await machinesOf(aws, facts.cluster).catch(() => null);
  if (known === null) return notReadyError(timeoutMs, what, "AWS does not say which machines there are.");
  const machines = known.filter(({ endedMs }) => endedMs === null);
  const workers = machines.filter(({ role }) => role === "worker");
  const look =
    workers.length === 0
      ? "There are no worker machines: taskflock aws check (quota, spot price), and what the group could not start stands above."
      : `There are ${workers.length} worker machines: taskflock aws logs ${workers[0]?.id} shows what such a one says.`;
  return notReadyError(timeoutMs, what, look);
}

function notReadyError(timeoutMs: number, what: string, look: string): FlockError {
  const text = `${what} ${Math.round(timeoutMs / 1000)} s are over. ${look} The machines go on: taskflock aws up waits again, taskflock aws down ends them.`;
  return new FlockError("FLOCK_AWS_NOT_READY", text);
}

/** What AWS answers, though it fails to a few times; what it will not do however often it is asked ends the wait at once. */
async function borne<T>(asking: () => Promise<T>, told: Told, lookMs: number): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await asking();
    } catch (error) {
      if (!isFlockError(error) || error.code !== "FLOCK_AWS_FAILED" || failures > FAILURES_BORNE) throw error;
      told.say(`It is asked again: ${error.message}`);
      await sleep(lookMs);
    }
  }
}

/** Says what is new. */
class Told {
  readonly #say: (line: string) => void;
  readonly #known: Set<string> = new Set();
  #last = "";

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  say(line: string): void {
    if (line !== this.#last) this.#say(line);
    this.#last = line;
  }

  once(line: string): void {
    if (!this.#known.has(line)) this.#say(line);
    this.#known.add(line);
  }
}
