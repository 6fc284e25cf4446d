// A cluster's folder on this machine: its Terraform configuration and state, its token and certificates, and what is known of it.

import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { makeToken, stateFolder, writeToken } from "@taskflock/protocol/links";
import { FlockError } from "@taskflock/protocol/words";
import type { Machine } from "./machines.ts";
import type { Complete, Profile } from "./profile.ts";
import { type ModuleVariable, readVariables } from "./variables.ts";

/** What an apply made. */
export interface StackFacts {
  readonly region: string;
  /** The tag of all machines. */
  readonly cluster: string;
  readonly group: string;
  readonly schedulerId: string;
  readonly address: string;
  readonly dashboard: string;
  /** Of the CA that signed the scheduler's certificate; null: it has one of its own, or none. */
  readonly caFile: string | null;
  readonly image: string;
  readonly expiresAt: string;
  readonly startedAt: string;
}

/** Variables that are not the profile's: what they are is made for the cluster, or chosen by these commands. */
export const keptVariables: ReadonlySet<string> = new Set([
  "token_version",
  "token_parameter",
  "worker_token_parameter",
  "worker_replacement",
]);

const outputs = ["scheduler_info", "workers_info", "scheduler_status", "image", "expires_at", "cost_bound"] as const;

const folderOfAll = (): string => join(stateFolder(), "aws");

/** Names of the clusters that this machine knows. */
export function listStacks(): readonly string[] {
  return existsSync(folderOfAll()) ? readdirSync(folderOfAll()).sort() : [];
}

/** The one that is meant: by its name, or the only one. Throws FLOCK_AWS_UNKNOWN_CLUSTER. */
export function findStack(name: string | undefined, current: string | null): Stack {
  const known = listStacks();
  const meant =
    name ?? (current !== null && known.includes(current) ? current : known.length === 1 ? known[0] : undefined);
  if (meant !== undefined && known.includes(meant)) return new Stack(meant);
  const there = known.length === 0 ? "None was started from this machine." : `There are: ${known.join(", ")}.`;
  const what = meant === undefined ? "Say which cluster is meant, by --cluster." : `There is no cluster ${meant} here.`;
  throw new FlockError("FLOCK_AWS_UNKNOWN_CLUSTER", `${what} ${there}`);
}

export class Stack {
  readonly name: string;
  readonly folder: string;

  constructor(name: string) {
    this.name = name;
    this.folder = join(folderOfAll(), name);
  }

  get tokenFile(): string {
    return join(this.folder, "token");
  }

  /** Of certificates, as `taskflock certs` makes them. */
  get certificates(): string {
    return join(this.folder, "certificates");
  }

  get exists(): boolean {
    return existsSync(this.folder);
  }

  /** The tokens, made when there are none: the cluster's own, and that of its workers. */
  tokens(): { readonly own: string; readonly workers: string } {
    return { own: this.#token("token"), workers: this.#token("worker-token") };
  }

  /** What `up` was given last; null: nothing. */
  profile(): Profile | null {
    return this.#json<Profile>("profile.json");
  }

  saveProfile(profile: Profile): void {
    this.#write("profile.json", profile);
  }

  facts(): StackFacts | null {
    return this.#json<StackFacts>("cluster.json");
  }

  saveFacts(facts: StackFacts): void {
    this.#write("cluster.json", facts);
  }

  /** All machines that were seen, which EC2 forgets an hour after their end. Those that are seen now are added. */
  remember(seen: readonly Machine[], nowMs: number): readonly Machine[] {
    const known = new Map((this.#json<readonly Machine[]>("machines.json") ?? []).map((one) => [one.id, one]));
    const now = new Set(seen.map(({ id }) => id));
    // Nobody saw when, but the cluster's end was the end of all of them.
    const facts = this.facts();
    const untilMs = facts === null ? nowMs : Math.min(nowMs, Date.parse(facts.expiresAt));
    for (const machine of known.values())
      if (!now.has(machine.id) && machine.endedMs === null)
        known.set(machine.id, { ...machine, state: "terminated", endedMs: Math.max(untilMs, machine.launchedMs) });
    for (const machine of seen) {
      // When it ended is known best by who saw it first; one that runs again, or was overlooked once, runs.
      const endedMs = machine.endedMs === null ? null : (known.get(machine.id)?.endedMs ?? machine.endedMs);
      known.set(machine.id, { ...machine, endedMs });
    }
    const all = [...known.values()];
    if (this.exists) this.#write("machines.json", all);
    return all;
  }

  /** Writes the configuration: the module beside it, so that what was started is taken down by what started it. */
  configure(module: string, profile: Complete, secrets: Readonly<Record<string, unknown>>): void {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    chmodSync(this.folder, 0o700);
    const copy = join(this.folder, "module");
    rmSync(copy, { recursive: true, force: true });
    cpSync(module, copy, { recursive: true });
    const config = configuration(readVariables(copy), profile, secrets);
    this.#write("main.tf.json", config);
  }

  /** The folder and all in it: nothing is left of the cluster. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #token(name: string): string {
    const known = this.#read(name);
    return known === null ? writeToken(join(this.folder, name), makeToken()) : known.trim();
  }

  #read(name: string): string | null {
    try {
      return readFileSync(join(this.folder, name), "utf8");
    } catch {
      return null;
    }
  }

  #json<T>(name: string): T | null {
    const text = this.#read(name);
    return text === null ? null : (JSON.parse(text) as T);
  }

  #write(name: string, value: unknown): void {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    const path = join(this.folder, name);
    writeFileSync(`${path}.draft`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${path}.draft`, path);
  }
}

/** Terraform's JSON: the module, called with the profile. Secrets come as variables that are kept nowhere. */
export function configuration(
  variables: readonly ModuleVariable[],
  profile: Complete,
  more: Readonly<Record<string, unknown>>,
): object {
  const given = variables.flatMap(({ key, variable, preset }) => {
    const value = profile[key];
    return value === undefined || JSON.stringify(value) === JSON.stringify(preset) ? [] : [[variable, escaped(value)]];
  });
  const secrets = variables.filter(({ isSecret }) => isSecret);
  return {
    terraform: { required_providers: { aws: { source: "hashicorp/aws" } } },
    provider: { aws: { region: profile.region } },
    variable: Object.fromEntries(
      secrets.map(({ variable }) => [variable, { type: "string", ephemeral: true, sensitive: true, default: null }]),
    ),
    module: {
      taskflock: {
        source: "./module",
        ...Object.fromEntries(given),
        ...more,
        ...Object.fromEntries(secrets.map(({ variable }) => [variable, `\${var.${variable}}`])),
      },
    },
    output: Object.fromEntries(outputs.map((name) => [name, { value: `\${module.taskflock.${name}}` }])),
  };
}

/** Text is a template for Terraform: what a person wrote is meant as it stands. */
function escaped(value: unknown): unknown {
  if (typeof value === "string") return value.replace(/\$\{/g, "$$${").replace(/%\{/g, "%%{");
  if (Array.isArray(value)) return value.map(escaped);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, escaped(one)]));
}
