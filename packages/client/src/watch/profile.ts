// Where tasks spend their time: what workers sampled, with places in the user's files.

import { type Checks, checkOptions, integerFrom, milliseconds, names } from "../option-checks.ts";
import { originalName, originOf } from "../stacks/positions.ts";
import { asPath } from "../stacks/source-maps.ts";
import type { QuestionHost } from "./lines.ts";

export interface ProfilingOptions {
  /** Names of the workers; default all that are there. */
  readonly workers?: readonly string[];
  /** Microseconds between two samples of a thread, from 50 up. Default 1,000. */
  readonly intervalUs?: number;
}
export interface ProfileOptions extends ProfilingOptions {
  /** Milliseconds. Default 5,000. */
  readonly durationMs?: number;
}

/** A function as it was called along one path. */
export interface ProfiledCall {
  readonly name: string;
  /** The user's file, or how the engine names the script; "" for what is the engine's own. */
  readonly file: string;
  /** From 1; 0 when it is not known. */
  readonly line: number;
  /** Milliseconds in the function itself; and with all that it called. */
  readonly selfMs: number;
  readonly totalMs: number;
  /** Lines of the file with the share of samples that were there, 0 to 1 of the function's own, the largest first. */
  readonly lines: readonly { readonly line: number; readonly share: number }[];
  /** What it called, the longest first. */
  readonly calls: readonly ProfiledCall[];
}

/** As workers tell it (the worker's profile-tree.ts). */
interface ToldNode {
  readonly name: string;
  readonly url: string;
  readonly line: number;
  readonly column: number;
  readonly selfUs: number;
  readonly lines: Readonly<Record<string, number>>;
  readonly calls: readonly ToldNode[];
}
interface Told {
  readonly functions: readonly ToldNode[];
  readonly idleUs: number;
  readonly garbageUs: number;
  readonly otherUs: number;
  readonly threads: number;
  readonly silent: number;
  readonly durationMs: number;
}

const profilingChecks: Checks<ProfilingOptions> = { workers: names, intervalUs: integerFrom(50, 1_000_000) };
const checks: Checks<ProfileOptions> = { ...profilingChecks, durationMs: milliseconds };

/** How a worker names the file of code that was sent (evaluate.ts). */
const GENERATED = /-([0-9a-f]{8})\.taskflock-function\.js$/;
/** Lines of a function that are told; where in a line the samples were is not known. */
const LINES_TOLD = 5;
const WIDTH = 10;

/** What a cluster's slots did for a while: times of all their threads together. */
export class Profile {
  /** How long was sampled, milliseconds: of the worker that was sampled longest. */
  readonly durationMs: number;
  readonly workers: readonly string[];
  /** Slots that were sampled; and those that did not answer, because native code held them or they ended. */
  readonly threads: number;
  readonly silent: number;
  /** The functions that ran as tasks, the longest first. */
  readonly functions: readonly ProfiledCall[];
  /** Milliseconds without anything to do; collecting garbage; and spent on everything else that is not a task's code. */
  readonly idleMs: number;
  readonly garbageMs: number;
  readonly otherMs: number;

  /** Profiles come from `client.profile`. */
  constructor(workers: readonly string[], told: readonly Told[]) {
    const sum = (of: (one: Told) => number): number => told.reduce((total, one) => total + of(one), 0);
    this.workers = workers;
    this.durationMs = Math.round(Math.max(0, ...told.map(({ durationMs }) => durationMs)));
    this.threads = sum(({ threads }) => threads);
    this.silent = sum(({ silent }) => silent);
    this.functions = merged(told.flatMap(({ functions }) => functions));
    this.idleMs = sum(({ idleUs }) => idleUs) / 1000;
    this.garbageMs = sum(({ garbageUs }) => garbageUs) / 1000;
    this.otherMs = sum(({ otherUs }) => otherUs) / 1000;
  }

  /** A table for a terminal: functions and what they called, down to 1 % of the time. */
  toString(): string {
    const busyMs = this.functions.reduce((sum, { totalMs }) => sum + totalMs, 0);
    const allMs = busyMs + this.idleMs + this.garbageMs + this.otherMs;
    const share = (ms: number): string => `${allMs === 0 ? 0 : Math.round((100 * ms) / allMs)} %`;
    const lines = [
      `${this.threads} threads of ${this.workers.length} workers for ${(this.durationMs / 1000).toFixed(1)} s: tasks ${share(busyMs)}, idle ${share(this.idleMs)}, garbage ${share(this.garbageMs)}, other ${share(this.otherMs)}`,
      `${"total".padStart(WIDTH)}${"self".padStart(WIDTH)}`,
    ];
    const add = (calls: readonly ProfiledCall[], depth: number): void => {
      for (const call of calls) {
        if (call.totalMs < busyMs / 100) continue;
        lines.push(`${time(call.totalMs)}${time(call.selfMs)}  ${"  ".repeat(depth)}${call.name}${placeOf(call)}`);
        add(call.calls, depth + 1);
      }
    };
    add(this.functions, 0);
    return lines.join("\n");
  }
}

/** A profile that is being taken. */
export class Profiling {
  readonly #host: QuestionHost;
  /** Names of the workers that are sampled. */
  readonly workers: readonly string[];
  #taken: Promise<Profile> | null = null;

  /** Comes from `client.startProfile`. */
  constructor(host: QuestionHost, workers: readonly string[]) {
    this.#host = host;
    this.workers = workers;
  }

  /**
   * Ends it. A worker that left meanwhile is left out. Rejects with FLOCK_PROFILE when none is left.
   */
  stop(): Promise<Profile> {
    this.#taken ??= this.#take();
    return this.#taken;
  }

  async #take(): Promise<Profile> {
    const { questions } = this.#host;
    const answers = await Promise.allSettled(
      this.workers.map(async (worker) => {
        const { data } = await questions.askWithData({ q: "takeProfile", worker });
        return JSON.parse(new TextDecoder().decode(data)) as Told;
      }),
    );
    const told = answers.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    const failed = answers.find((one) => one.status === "rejected");
    if (told.length === 0 && failed !== undefined) throw failed.reason;
    return new Profile(
      this.workers.filter((_, i) => answers[i]?.status === "fulfilled"),
      told,
    );
  }
}

export async function startProfile(host: QuestionHost, options: ProfilingOptions | undefined): Promise<Profiling> {
  return begin(host, checkOptions("startProfile", options, profilingChecks));
}

export async function profile(host: QuestionHost, options: ProfileOptions | undefined): Promise<Profile> {
  const { durationMs = 5_000, ...rest } = checkOptions("profile", options, checks);
  const profiling = await begin(host, rest);
  await host.questions.pause(durationMs);
  return profiling.stop();
}

async function begin(host: QuestionHost, { workers = [], intervalUs = 1_000 }: ProfilingOptions): Promise<Profiling> {
  const names = await host.questions.ask({ q: "startProfile", workers: [...workers], intervalUs });
  return new Profiling(host, names);
}

/** The same functions, seen by several workers, are one. */
function merged(nodes: readonly ToldNode[]): ProfiledCall[] {
  const groups = new Map<string, ToldNode[]>();
  for (const node of nodes) {
    const key = `${node.url}\n${node.line}:${node.column}\n${node.name}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [node]);
    else group.push(node);
  }
  return [...groups.values()].map(callOf).sort((a, b) => b.totalMs - a.totalMs);
}

function callOf(nodes: readonly ToldNode[]): ProfiledCall {
  const [first] = nodes as readonly [ToldNode, ...ToldNode[]];
  const calls = merged(nodes.flatMap((node) => node.calls));
  const selfMs = nodes.reduce((sum, { selfUs }) => sum + selfUs, 0) / 1000;
  const totalMs = calls.reduce((sum, call) => sum + call.totalMs, selfMs);
  const hash = GENERATED.exec(first.url)?.[1];
  const place = placed(first.url, hash, first.line, first.column);
  const name = hash === undefined ? first.name : originalName(hash, first.name);
  return { name: name === "" ? "(anonymous)" : name, ...place, selfMs, totalMs, lines: hotLines(nodes, hash), calls };
}

function placed(
  url: string,
  hash: string | undefined,
  line: number,
  column: number,
): { readonly file: string; readonly line: number } {
  if (url === "") return { file: "", line: 0 };
  const origin = hash === undefined ? null : originOf(hash, line, column);
  if (origin !== null && typeof origin !== "string") return { file: origin.file, line: origin.line + 1 };
  return { file: asPath(url), line: line + 1 };
}

function hotLines(nodes: readonly ToldNode[], hash: string | undefined): ProfiledCall["lines"] {
  const ticks = new Map<number, number>();
  let all = 0;
  for (const { url, lines, line: first, column } of nodes) {
    for (const [text, count] of Object.entries(lines)) {
      const at = Number(text) - 1;
      const { line } = placed(url, hash, at, at === first ? column : 0);
      ticks.set(line, (ticks.get(line) ?? 0) + count);
      all += count;
    }
  }
  const sorted = [...ticks].sort(([, a], [, b]) => b - a).slice(0, LINES_TOLD);
  return sorted.map(([line, count]) => ({ line, share: count / all }));
}

function time(ms: number): string {
  return (ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${ms.toFixed(0)} ms`).padStart(WIDTH);
}

function placeOf({ file, line, lines }: ProfiledCall): string {
  if (file === "") return "";
  const hot = lines[0];
  const where = hot === undefined || hot.line === line ? "" : `, most of it in line ${hot.line}`;
  return `  ${file}:${line}${where}`;
}
