// What workers sampled, as one profile. Times are of all their threads together, milliseconds.

import type { CodePlace } from "@taskflock/protocol/links";
import type { Sources } from "./places.ts";

export interface HotLine {
  readonly line: number;
  readonly share: number;
  /** The line itself, of code that was sent with a task. */
  readonly text?: string;
}

export interface ProfiledCall {
  readonly name: string;
  /** A path or URL; "" for what is the engine's own. */
  readonly file: string;
  /** From 1; 0 when it is not known. */
  readonly line: number;
  /** In the function itself; and with all that it called. */
  readonly selfMs: number;
  readonly totalMs: number;
  /** Lines of the file with the share of samples that were there, 0 to 1 of the function's own, the largest first. */
  readonly lines: readonly HotLine[];
  /** What it called, the longest first. */
  readonly calls: readonly ProfiledCall[];
}

export interface Profile {
  /** Of the worker that was sampled longest. */
  readonly durationMs: number;
  readonly workers: readonly string[];
  /** Slots that were sampled; and those that did not answer, because native code held them or they ended. */
  readonly threads: number;
  readonly silent: number;
  /** The functions that ran as tasks, the longest first. */
  readonly functions: readonly ProfiledCall[];
  /** Without anything to do; collecting garbage; and spent on everything else that is not a task's code. */
  readonly idleMs: number;
  readonly garbageMs: number;
  readonly otherMs: number;
}

/** As workers tell it (the worker's profile-tree.ts). Lines and columns count from 0, those of `lines` from 1. */
interface ToldCall {
  readonly name: string;
  readonly url: string;
  readonly line: number;
  readonly column: number;
  readonly selfUs: number;
  readonly lines: Readonly<Record<string, number>>;
  readonly calls: readonly ToldCall[];
}
export interface ToldProfile {
  readonly functions: readonly ToldCall[];
  readonly idleUs: number;
  readonly garbageUs: number;
  readonly otherUs: number;
  readonly threads: number;
  readonly silent: number;
  readonly durationMs: number;
}

/** How a worker names the file of code that travelled. */
const TRAVELLED = /-([0-9a-f]{8})\.taskflock-function\.js$/;
/** Lines of a function that are told. */
const LINES_TOLD = 5;
/** A stack is not this deep in code that anybody reads. */
const MAX_DEPTH = 500;
/** Of which places are asked; the outer ones. */
const MAX_CALLS = 10_000;

/** What to ask clients about a profile: where functions begin, and their lines. */
export function placesIn(told: readonly ToldProfile[]): CodePlace[] {
  const found: CodePlace[] = [];
  const all = told.flatMap(({ functions }) => functions);
  for (const call of all) {
    const code = TRAVELLED.exec(call.url)?.[1];
    if (code !== undefined)
      found.push(beginOf(code, call), ...Object.keys(call.lines).map((line) => lineOf(code, call, line)));
    if (all.length < MAX_CALLS) all.push(...call.calls);
  }
  return found;
}

function beginOf(code: string, { line, column, name }: ToldCall): CodePlace {
  return { code, line: line + 1, column: column + 1, name: name.slice(0, 200) };
}

/** Where in a line the samples were is not known. */
function lineOf(code: string, call: ToldCall, text: string): CodePlace {
  const line = Number(text);
  return { code, line, column: line === call.line + 1 ? call.column + 1 : 1, name: "" };
}

export function mergedProfile(workers: readonly string[], told: readonly ToldProfile[], sources: Sources): Profile {
  const sum = (of: (one: ToldProfile) => number): number => told.reduce((total, one) => total + of(one), 0);
  return {
    durationMs: Math.round(Math.max(0, ...told.map(({ durationMs }) => durationMs))),
    workers,
    threads: sum(({ threads }) => threads),
    silent: sum(({ silent }) => silent),
    functions: merged(
      told.flatMap(({ functions }) => functions),
      0,
      sources,
    ),
    idleMs: sum(({ idleUs }) => idleUs) / 1_000,
    garbageMs: sum(({ garbageUs }) => garbageUs) / 1_000,
    otherMs: sum(({ otherUs }) => otherUs) / 1_000,
  };
}

/** The same functions, seen by several workers, are one. */
function merged(calls: readonly ToldCall[], depth: number, sources: Sources): ProfiledCall[] {
  const groups = new Map<string, ToldCall[]>();
  for (const call of depth < MAX_DEPTH ? calls : []) {
    const key = `${call.url}\n${call.line}:${call.column}\n${call.name}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [call]);
    else group.push(call);
  }
  return [...groups.values()].map((group) => oneOf(group, depth, sources)).sort((a, b) => b.totalMs - a.totalMs);
}

function oneOf(group: readonly ToldCall[], depth: number, sources: Sources): ProfiledCall {
  const [first] = group as readonly [ToldCall, ...ToldCall[]];
  const { name, url, line } = first;
  const code = TRAVELLED.exec(url)?.[1];
  const source = code === undefined ? null : sources(beginOf(code, first));
  const calls = merged(
    group.flatMap((one) => one.calls),
    depth + 1,
    sources,
  );
  const selfMs = group.reduce((total, { selfUs }) => total + selfUs, 0) / 1_000;
  return {
    name: (source?.name || name) === "" ? "(anonymous)" : source?.name || name,
    file: source?.file || url.replace(/^file:\/\//, ""),
    line: source?.file ? source.line : url === "" ? 0 : line + 1,
    selfMs,
    totalMs: calls.reduce((total, call) => total + call.totalMs, selfMs),
    lines: hotLines(group, code, sources),
    calls,
  };
}

function hotLines(group: readonly ToldCall[], code: string | undefined, sources: Sources): ProfiledCall["lines"] {
  const ticks = new Map<number, number>();
  let all = 0;
  for (const call of group) {
    for (const [text, count] of Object.entries(call.lines)) {
      const source = code === undefined ? null : sources(lineOf(code, call, text));
      const line = source?.file ? source.line : Number(text);
      ticks.set(line, (ticks.get(line) ?? 0) + count);
      all += count;
    }
  }
  const sorted = [...ticks].sort(([, a], [, b]) => b - a).slice(0, LINES_TOLD);
  return sorted.map(([line, count]) => ({ line, share: count / all }));
}
