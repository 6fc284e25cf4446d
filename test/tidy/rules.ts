// The rules of the layout. Each takes what it judges and returns a line per problem.
import { roomOf } from "./arrows.ts";
import { isTest, type SourceFile, type TextFile } from "./tree.ts";

const limits = { sourceLines: 400, testLines: 500, functionLines: 60 };

const impure = new Set([
  ...["Date", "Promise", "WeakRef", "FinalizationRegistry", "Intl", "Math.random", "process", "performance", "crypto"],
  ...["setTimeout", "setInterval", "setImmediate", "queueMicrotask", "globalThis", "Atomics", "Buffer"],
]);

/** A machine, and the words it speaks, know no clock, timer, randomness, process or promise. */
export function purityProblems(file: SourceFile): string[] {
  const room = roomOf(file.path) ?? "";
  if (room !== "protocol/words" && !room.endsWith("/machine")) return [];
  const found = file.facts.names.filter(({ name }) => impure.has(name));
  return found.map(({ name, line }) => `${file.path}:${line} uses ${name}: ${room} is pure`);
}

const excuse = (lines: readonly string[]): boolean => lines.some((text) => /^\s*(\/\/|\*) Long: \S/.test(text));

/** A file or a function may be longer when a comment at its head says why: `// Long: …`. */
export function sizeProblems(file: SourceFile): string[] {
  const problems: string[] = [];
  const lines = file.text.trimEnd().split("\n");
  const limit = isTest(file.path) ? limits.testLines : limits.sourceLines;
  if (lines.length > limit && !excuse(lines.slice(0, 10)))
    problems.push(`${file.path} has ${lines.length} lines; the limit is ${limit}`);
  if (isTest(file.path)) return problems;
  for (const { name, line, lines: length } of file.facts.functions) {
    const excused = excuse(lines.slice(Math.max(0, line - 2), line + 1));
    if (length <= limits.functionLines || excused) continue;
    problems.push(`${file.path}:${line} ${name} has ${length} lines; the limit is ${limits.functionLines}`);
  }
  return problems;
}

const grabBag = /(^|[/.-])(helpers?|utils?|lib|common|misc)([/.-]|$)|(^|\/)shared([/.]|$)/;

/** A name says what a file is for. */
export function nameProblems(path: string): string[] {
  return grabBag.test(path) ? [`${path}: a grab-bag; name it after what it does`] : [];
}

const machinePath = /(?<![\w.:/~-])\/(?:home|root|Users|work|mnt)\/[\w.-]+|[A-Z]:\\\\?Users\\/;
const registryHost = /"resolved":\s*"https?:|^\s*(?:@[\w-]+:)?registry\s*=/m;

/** Nothing in the repository knows the machine it was written on. */
export function machineTraces({ path, text }: TextFile): string[] {
  const problems: string[] = [];
  const found = machinePath.exec(text);
  if (found !== null) problems.push(`${path} has an absolute path of some machine: ${found[0]}`);
  if (registryHost.test(text)) problems.push(`${path} names the host of a package registry`);
  return problems;
}

const codePattern = /(?<![A-Z_])FLOCK_[A-Z][A-Z_]*[A-Z](?![A-Z_])/g;

function codesIn(text: string): string[] {
  return [...new Set(text.match(codePattern) ?? [])];
}

/** Codes that are named and not registered, and codes that are registered and that no source raises. */
export function registryProblems(registered: readonly string[], files: readonly TextFile[]): string[] {
  const known = new Set(registered);
  const used = new Set<string>();
  const problems: string[] = [];
  for (const { path, text } of files) {
    for (const code of codesIn(text)) {
      if (roomOf(path) !== undefined) used.add(code);
      if (!known.has(code)) problems.push(`${path} names ${code}, which is not in the registry`);
    }
  }
  for (const code of registered) if (!used.has(code)) problems.push(`${code} is registered, and no source raises it`);
  return problems;
}

interface Manifest {
  readonly [field: string]: unknown;
}

/** What every published package must say of itself, equal to what the repository says. */
export function manifestProblems(path: string, manifest: Manifest, repository: Manifest): string[] {
  const problems: string[] = [];
  for (const field of ["version", "license", "type", "engines"]) {
    if (JSON.stringify(manifest[field]) !== JSON.stringify(repository[field])) {
      problems.push(`${path}: "${field}" must be ${JSON.stringify(repository[field])}`);
    }
  }
  for (const field of ["name", "description", "exports", "files"]) {
    if (manifest[field] === undefined) problems.push(`${path}: "${field}" is missing`);
  }
  for (const [name, range] of Object.entries((manifest["dependencies"] ?? {}) as Record<string, string>)) {
    if (!name.startsWith("@taskflock/") || range === repository["version"]) continue;
    problems.push(
      `${path}: ${name} must be exactly ${String(repository["version"])}: the packages are released together`,
    );
  }
  return problems;
}

/** Words that a glossary's table does not explain. */
export function missingWords(words: readonly string[], glossary: string): string[] {
  return words.filter((word) => !glossary.includes(`\n| ${word} |`));
}
