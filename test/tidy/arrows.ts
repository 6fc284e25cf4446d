// The rooms of the repository and the arrows between them: who may import whom.
import { posix } from "node:path";
import type { SourceFile } from "./tree.ts";

/** What the sources of each room may import besides themselves. `words ← machine ← shell ← taskflock`. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  "protocol/words": [],
  protocol: ["protocol/words"],
  "scheduler/machine": ["protocol/words"],
  "worker/machine": ["protocol/words"],
  scheduler: ["scheduler/machine", "protocol", "protocol/words"],
  worker: ["worker/machine", "protocol", "protocol/words"],
  tensors: ["protocol/words"],
  ml: ["protocol/words", "tensors"],
  client: ["protocol", "protocol/words", "ml"],
  cluster: ["client", "protocol/words"],
  dashboard: ["protocol", "protocol/words", "dashboard/details"],
  // Runs in browsers; what it shares with the server is pure.
  "dashboard/web": ["protocol/words", "dashboard/details"],
  "dashboard/details": ["protocol/words"],
  taskflock: [
    ...["protocol", "protocol/words", "scheduler", "scheduler/machine", "worker", "worker/machine"],
    ...["tensors", "ml", "client", "cluster", "dashboard"],
  ],
  // The command line stands on top: nothing imports it.
  "taskflock/cli": ["taskflock", "protocol", "protocol/words", "scheduler", "scheduler/machine", "worker"].concat([
    "worker/machine",
    "tensors",
    "ml",
    "client",
    "cluster",
    "dashboard",
  ]),
};

/** Rooms that import nothing from outside the repository, Node included. */
const pure = new Set(["protocol/words", "scheduler/machine", "worker/machine", "dashboard/details"]);

/** The room a source file lies in; undefined for tests, examples, scripts, which may import any room by its name. */
export function roomOf(path: string): string | undefined {
  const [packages, name, source, inner] = path.split("/");
  if (packages !== "packages" || (source !== "src" && source !== "server" && source !== "web")) return undefined;
  if (name === "dashboard") return dashboardRoom(path, source);
  if (inner === "words" || inner === "machine") return `${name}/${inner}`;
  if (name === "taskflock" && (inner === "cli" || inner === "cli.ts")) return "taskflock/cli";
  return name;
}

function dashboardRoom(path: string, source: string): string {
  if (source === "web") return "dashboard/web";
  const isShared = /\/server\/(details\/|report\/report-data\.ts$)/.test(path);
  return isShared ? "dashboard/details" : "dashboard";
}

/** Further doors to a room: for threads that run users' code, for what clients load, and for what starts soon. */
const secondDoors: ReadonlyMap<string, string> = new Map([
  ["@taskflock/client/kept-bytes", "client"],
  ["@taskflock/client/join-group", "client"],
  ["@taskflock/client/preload", "client"],
  ["@taskflock/client/run-command", "client"],
  ["@taskflock/dashboard/watch", "dashboard"],
  ["@taskflock/ml/training", "ml"],
  ["@taskflock/protocol/code", "protocol"],
  ["@taskflock/protocol/links", "protocol"],
  ["@taskflock/tensors/install", "tensors"],
  ["@taskflock/worker/functions", "worker"],
  ["@taskflock/worker/task-context", "worker"],
]);

/** `@taskflock/protocol/words` → `protocol/words`; undefined when it is no package of ours. */
function roomNamed(specifier: string): string | undefined {
  if (specifier === "taskflock" || specifier.startsWith("taskflock/")) return specifier;
  const second = secondDoors.get(specifier);
  if (second !== undefined) return second;
  return specifier.startsWith("@taskflock/") ? specifier.slice("@taskflock/".length) : undefined;
}

function packageOf(path: string): string | undefined {
  return /^packages\/([^/]+)\//.exec(path)?.[1];
}

export function arrowProblems(file: SourceFile): string[] {
  const from = roomOf(file.path);
  const problems: string[] = [];
  for (const { specifier, line } of file.facts.imports) {
    const problem = specifier.startsWith(".")
      ? relativeProblem(file.path, from, posix.join(posix.dirname(file.path), specifier))
      : namedProblem(from, specifier);
    if (problem !== undefined) problems.push(`${file.path}:${line} imports ${specifier}: ${problem}`);
  }
  return problems;
}

function relativeProblem(path: string, from: string | undefined, target: string): string | undefined {
  const inside = packageOf(target);
  if (inside !== packageOf(path) && inside !== undefined && !forges(path, inside))
    return "import another package by its name";
  const to = roomOf(target);
  if (from === undefined || from === to) return undefined;
  if (to === undefined) return "sources import sources only";
  return arrows[from]?.includes(to) ? undefined : `${from} may not import ${to}`;
}

/** The fuzz makes frames that no door of the package lets out. */
function forges(path: string, inside: string): boolean {
  return path.startsWith("test/fuzz/") && inside === "protocol";
}

function namedProblem(from: string | undefined, specifier: string): string | undefined {
  const to = roomNamed(specifier);
  if (from === "dashboard/web" && specifier.startsWith("node:")) return "browsers have no Node";
  if (to === undefined) return from !== undefined && pure.has(from) ? `${from} stands on nothing outside` : undefined;
  if (!(to in arrows) || to === "taskflock/cli") return "not a public entry of the package";
  if (from === undefined || from === to) return undefined;
  return arrows[from]?.includes(to) ? undefined : `${from} may not import ${to}`;
}

/** Files that load each other in a circle, each as the path around it. Types are erased, and make no circle. */
export function importCycles(files: readonly SourceFile[]): string[] {
  const targets = new Map(files.map((file) => [file.path, relativeTargets(file)]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) cycles.push([...trail.slice(start), path].join(" → "));
    if (start >= 0 || done.has(path)) return;
    for (const target of targets.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of targets.keys()) visit(path, []);
  return cycles;
}

function relativeTargets(file: SourceFile): string[] {
  const relative = file.facts.imports.filter(({ specifier, typeOnly }) => specifier.startsWith(".") && !typeOnly);
  return relative.map(({ specifier }) => posix.join(posix.dirname(file.path), specifier));
}
