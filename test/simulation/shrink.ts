// Makes a failing run small: takes away clients, workers, bursts, tasks, faults and errands as long as it fails in the same way.

import type { PlannedBurst } from "./model-future.ts";
import type { PlannedClient, Scenario } from "./scenario.ts";
import { drawScenario } from "./scenario.ts";
import { type SimulationOptions, simulate } from "./simulation.ts";
import type { TaskSpec } from "./tasks.ts";

/** Runs that are tried for one failure. */
const MOST_TRIES = 1_500;

export interface Shrunk {
  /** What is left: the names of its parts. */
  readonly parts: readonly string[];
  readonly tries: number;
  /** How the small one fails, with its stories. */
  readonly message: string;
  /** A few lines for people. */
  readonly summary: string;
}

/** Null when the seed does not fail. */
export function shrink(seed: number, options: SimulationOptions = {}): Shrunk | null {
  const first = failureOf(seed, new Set(), options);
  if (first === null) return null;
  const stem = stemOf(first);
  let without = new Set<string>();
  let message = messageOf(first);
  let tries = 1;
  const fails = (candidate: ReadonlySet<string>): boolean => {
    if (tries >= MOST_TRIES) return false;
    tries++;
    const error = failureOf(seed, candidate, options);
    if (error === null || stemOf(error) !== stem) return false;
    message = messageOf(error);
    return true;
  };
  for (let before = -1; before !== without.size && tries < MOST_TRIES; ) {
    before = without.size;
    for (const kind of kinds) without = takeAway(partsLeft(seed, without, kind), without, fails);
  }
  const left = trimmed(drawScenario(seed), without);
  return { parts: kinds.flatMap((kind) => partsOf(left, kind)), tries, message, summary: describe(left) };
}

/** Leaves out ever smaller pieces; whatever can go, goes. */
function takeAway(
  parts: readonly string[],
  without: Set<string>,
  fails: (without: ReadonlySet<string>) => boolean,
): Set<string> {
  let left = parts;
  let gone = without;
  for (let size = left.length; size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < left.length; ) {
      const candidate = new Set([...gone, ...left.slice(from, from + size)]);
      if (fails(candidate)) {
        gone = candidate;
        left = [...left.slice(0, from), ...left.slice(from + size)];
      } else from += size;
    }
  }
  return gone;
}

const kinds = ["faultKind", "client", "trouble", "burst", "errand", "fault", "worker", "task"] as const;
type Kind = (typeof kinds)[number];

function partsLeft(seed: number, without: ReadonlySet<string>, kind: Kind): string[] {
  return partsOf(trimmed(drawScenario(seed), without), kind);
}

function partsOf(scenario: Scenario, kind: Kind): string[] {
  const { clients, workers, faults, errands, transferTrouble, spoilTrouble, apart } = scenario;
  switch (kind) {
    case "client":
      return clients.map(({ name }) => name);
    case "worker":
      return workers.map(({ name }) => name);
    case "faultKind":
      return [...new Set(faults.map((fault) => `every ${fault.kind}`))];
    case "fault":
      return faults.map((fault) => `${fault.kind} ${fault.roll}`);
    case "errand":
      return errands.map((errand) => `errand ${errand.roll}`);
    case "trouble":
      return [
        ...(transferTrouble > 0 ? ["transfer trouble"] : []),
        ...(spoilTrouble > 0 ? ["spoil trouble"] : []),
        ...(apart > 0 ? ["pairs apart"] : []),
      ];
    case "burst":
      return clients.flatMap(({ name, bursts }) => bursts.map((burst) => burstName(name, burst)));
    case "task":
      return [...new Set(clients.flatMap(({ bursts }) => bursts.flatMap(({ tasks }) => tasks)))]
        .map(({ spec }) => `task ${spec.id}`)
        .reverse();
  }
}

function burstName(client: string, { atUs }: PlannedBurst): string {
  return `burst of ${client} at ${atUs}`;
}

/** The scenario without these parts, and without what needs them. */
export function trimmed(scenario: Scenario, without: ReadonlySet<string>): Scenario {
  const clients = scenario.clients
    .filter(({ name }) => !without.has(name))
    .map((client) => trimClient(client, without));
  const there = new Set(clients.map(({ name }) => name));
  return {
    ...scenario,
    clients,
    workers: scenario.workers.filter(({ name }) => !without.has(name)),
    faults: scenario.faults.filter(
      ({ kind, roll }) => !without.has(`every ${kind}`) && !without.has(`${kind} ${roll}`),
    ),
    errands: scenario.errands.filter(({ client, roll }) => there.has(client) && !without.has(`errand ${roll}`)),
    transferTrouble: without.has("transfer trouble") ? 0 : scenario.transferTrouble,
    spoilTrouble: without.has("spoil trouble") ? 0 : scenario.spoilTrouble,
    apart: without.has("pairs apart") ? 0 : scenario.apart,
  };
}

function trimClient({ name, bursts }: PlannedClient, without: ReadonlySet<string>): PlannedClient {
  const submitted = new Set<TaskSpec>();
  const kept = bursts.flatMap((burst) => {
    if (without.has(burstName(name, burst))) return [];
    const tasks = burst.tasks.filter(({ spec }) => {
      if (without.has(`task ${spec.id}`) || spec.inputs.some((input) => !submitted.has(input))) return false;
      submitted.add(spec);
      return true;
    });
    return tasks.length === 0 ? [] : [{ ...burst, tasks }];
  });
  return { name, bursts: kept };
}

function failureOf(seed: number, without: ReadonlySet<string>, options: SimulationOptions): unknown {
  try {
    simulate(seed, { ...options, trim: (scenario) => trimmed(scenario, without) });
    return null;
  } catch (error) {
    return error;
  }
}

/** What is the same when the same thing goes wrong: no numbers, no names with numbers. */
function stemOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const text = messageOf(cause);
  return (text.split("\n")[0] ?? "").replaceAll(/\d+/g, "#").slice(0, 80);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function describe({ clients, workers, faults, errands, activeUs, transferTrouble, apart }: Scenario): string {
  const lines = [`${workers.length} workers: ${workers.map(({ name, slots }) => `${name} (${slots})`).join(", ")}`];
  for (const { name, bursts } of clients)
    for (const { atUs, run, keepMs, tasks } of bursts) {
      lines.push(`${atUs} µs: ${name} submits to run ${run}${keepMs === null ? "" : `, kept ${keepMs} ms`}`);
      for (const { spec, fetch, releaseAfterUs, cancelAfterUs } of tasks) {
        const { id, kind, inputs, bytes, durationUs, key } = spec;
        lines.push(
          `  ${kind} ${id}(${inputs.map((input) => input.id).join()}) ${durationUs} µs, ${bytes} bytes, key ${key}, ` +
            `fetch ${fetch}, release ${releaseAfterUs}, cancel ${cancelAfterUs}`,
        );
      }
    }
  for (const { atUs, kind, roll } of faults) lines.push(`${atUs} µs: ${kind} (${roll})`);
  for (const { atUs, client, kind, roll } of errands) lines.push(`${atUs} µs: ${client} ${kind} (${roll})`);
  lines.push(`things go wrong for ${activeUs} µs; transfers fail ${transferTrouble}, pairs apart ${apart}`);
  return lines.join("\n");
}
