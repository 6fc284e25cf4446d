// Whether client, scheduler and workers run the same: what each has, side by side, and the differences in words.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type ClusterInfo, FlockError, isFlockError } from "@taskflock/protocol/words";
import { type Environment, environmentHere } from "./environment.ts";
import { type Checks, checkOptions, flag, milliseconds, names } from "./option-checks.ts";
import { runOnWorkers, type WorkersHost } from "./run-on-workers.ts";

export interface VersionsOptions {
  /** Packages to compare. Default: the dependencies in the client's nearest package.json. */
  readonly packages?: readonly string[];
  /** Reject with FLOCK_ENVIRONMENT_MISMATCH when there are differences. Default false. */
  readonly check?: boolean;
  /** How long to wait for workers whose slots are busy. Default 10,000. */
  readonly timeoutMs?: number;
}

export interface Versions {
  readonly client: Environment;
  readonly scheduler: { readonly taskflock: string };
  /** By name; without those that did not answer. */
  readonly workers: Readonly<Record<string, Environment>>;
  /** A row for each process, for console.table. */
  readonly table: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What may make a function fail, or give another result, on some worker; in words. */
  readonly differences: readonly string[];
  /** What differs and does no harm as a rule; and who did not answer. */
  readonly notes: readonly string[];
}

export interface VersionsHost extends WorkersHost {
  cluster(): Promise<ClusterInfo>;
}

const checks: Checks<VersionsOptions> = { packages: names, check: flag, timeoutMs: milliseconds };

/** Rejects with FLOCK_ENVIRONMENT_MISMATCH and FLOCK_OPTION_INVALID. */
export async function versions(host: VersionsHost, raw: VersionsOptions | undefined): Promise<Versions> {
  const { packages, check = false, timeoutMs = 10_000 } = checkOptions("versions", raw, checks);
  const wanted = packages ?? ownDependencies();
  const client = environmentHere(wanted);
  const { scheduler } = await host.cluster();
  const answers = await runOnWorkers(host, environmentHere, [wanted], {
    onError: "return",
    signal: AbortSignal.timeout(timeoutMs),
  });
  const workers: Record<string, Environment> = {};
  const silent: string[] = [];
  for (const [name, answer] of Object.entries(answers)) {
    if (answer instanceof Error) silent.push(`${name} did not answer: ${reasonOf(answer, timeoutMs)}`);
    else workers[name] = answer as Environment;
  }
  const found = compare(client, scheduler.version, workers, packages !== undefined);
  const report: Versions = {
    client,
    scheduler: { taskflock: scheduler.version },
    workers,
    table: tableOf(client, scheduler.version, workers),
    differences: found.differences,
    notes: [...found.notes, ...silent],
  };
  if (check && report.differences.length > 0) throw mismatch(report);
  return report;
}

function mismatch(report: Versions): FlockError {
  const message = `Client and workers differ: ${report.differences.join("; ")}. Install the same versions.`;
  return Object.assign(new FlockError("FLOCK_ENVIRONMENT_MISMATCH", message), { versions: report });
}

function reasonOf(error: Error, timeoutMs: number): string {
  if (!isFlockError(error, "FLOCK_CANCELLED")) return error.message;
  return `its slots were busy for ${timeoutMs} ms`;
}

/** The names in the package.json that is nearest to the current folder; none when there is none. */
function ownDependencies(): readonly string[] {
  for (let at = process.cwd(); ; at = dirname(at)) {
    const file = join(at, "package.json");
    if (existsSync(file)) return dependenciesIn(file);
    if (dirname(at) === at) return [];
  }
}

function dependenciesIn(file: string): readonly string[] {
  try {
    const { dependencies } = JSON.parse(readFileSync(file, "utf8")) as { readonly dependencies?: unknown };
    const isTable = typeof dependencies === "object" && dependencies !== null;
    // Taskflock is compared anyway.
    return isTable ? Object.keys(dependencies).filter((name) => !/^@?taskflock(?:\/|$)/.test(name)) : [];
  } catch {
    return [];
  }
}

type Workers = Readonly<Record<string, Environment>>;

export interface Found {
  readonly differences: string[];
  readonly notes: string[];
}

/** What differs from the client. `named`: the user asked for these packages, and one that a worker lacks is a difference; else it is sent along. */
export function compare(client: Environment, scheduler: string, workers: Workers, named: boolean): Found {
  const differences: string[] = [];
  const notes: string[] = [];
  const look = (what: string, of: (from: Environment) => string, matters: (here: string, there: string) => boolean) => {
    const here = of(client);
    const others = Object.entries(workers).filter(([, environment]) => of(environment) !== here);
    if (others.length === 0) return;
    const text = `${what}: client ${here}, ${grouped(others.map(([name, environment]) => [name, of(environment)]))}`;
    const harmful = others.some(([, environment]) => matters(here, of(environment)));
    (harmful ? differences : notes).push(text);
  };
  const always = (): boolean => true;
  const never = (): boolean => false;
  look(
    "Node",
    ({ node }) => node,
    (here, there) => majorOf(here) !== majorOf(there),
  );
  look(
    "Taskflock",
    ({ taskflock }) => taskflock ?? UNKNOWN,
    (here, there) => here !== UNKNOWN && there !== UNKNOWN,
  );
  if (client.taskflock !== null && scheduler !== client.taskflock)
    differences.push(`Taskflock: client ${client.taskflock}, scheduler ${scheduler}`);
  look("flags", ({ flags }) => flags.join(" ") || "none", always);
  for (const name of Object.keys(client.packages)) {
    const isThere = (version: string): boolean => version !== ABSENT;
    look(
      name,
      ({ packages }) => packages[name] ?? ABSENT,
      (here, there) => named || (isThere(here) && isThere(there)),
    );
  }
  look("platform", ({ platform }) => platform, never);
  look("time zone", ({ timeZone }) => timeZone, never);
  return { differences, notes };
}

const UNKNOWN = "unknown";
const ABSENT = "not installed";

function majorOf(version: string): string {
  return version.split(".", 1)[0] ?? version;
}

/** "workers a, b 1.2.0, worker c 1.3.0". */
function grouped(others: readonly (readonly [name: string, version: string])[]): string {
  const byVersion = new Map<string, string[]>();
  for (const [name, version] of others) byVersion.set(version, [...(byVersion.get(version) ?? []), name]);
  const parts = [...byVersion].map(([version, names]) => {
    const shown = names.length > 5 ? [...names.slice(0, 5), `and ${names.length - 5} more`] : names;
    return `${names.length === 1 ? "worker" : "workers"} ${shown.join(", ")} ${version}`;
  });
  return parts.join(", ");
}

function tableOf(client: Environment, scheduler: string, workers: Workers): Versions["table"] {
  const row = ({ node, platform, taskflock, timeZone, flags, packages }: Environment): Record<string, string> => ({
    node,
    platform,
    taskflock: taskflock ?? UNKNOWN,
    timeZone,
    flags: flags.join(" "),
    ...Object.fromEntries(Object.entries(packages).map(([name, version]) => [name, version ?? ABSENT])),
  });
  const rows = Object.entries(workers).map(([name, environment]) => [name, row(environment)] as const);
  return { client: row(client), scheduler: { taskflock: scheduler }, ...Object.fromEntries(rows) };
}
