// Names of files inside a storage, and of the parts of files.
import { FlockError } from "@taskflock/protocol/words";
import type { ByteRange } from "./storage.ts";

const forbidden = process.platform === "win32" ? /[\0\\:]/ : /\0/;

/** Refuses names that would leave the storage. */
export function checkName(name: string, where: string): void {
  const problem = nameProblem(name);
  if (problem === undefined) return;
  throw new FlockError(
    "FLOCK_STORAGE_ADDRESS",
    `${JSON.stringify(name)} is no name of a file in ${where}: ${problem}. Names are relative, such as "run-1/epoch-3.bin".`,
  );
}

function nameProblem(name: unknown): string | undefined {
  if (typeof name !== "string" || name === "") return "it is no text, or empty";
  if (forbidden.test(name)) return "it contains a character that names must not have";
  if (name.startsWith("/")) return "it begins at the root";
  const parts = name.split("/");
  if (parts.includes("..") || parts.includes(".")) return 'it contains "." or ".." as a folder';
  return parts.includes("") ? "a folder in it has no name" : undefined;
}

/** Prefixes may be empty and may end with `/`. */
export function checkPrefix(prefix: string, where: string): void {
  const name = prefix.endsWith("/") ? prefix.slice(0, -1) : prefix;
  if (prefix !== "") checkName(name, where);
}

export function checkRange(range: ByteRange | undefined): void {
  if (range === undefined) return;
  const { start, end } = range;
  const whole = Number.isSafeInteger(start) && start >= 0;
  if (whole && (end === undefined || (Number.isSafeInteger(end) && end >= start))) return;
  throw new FlockError(
    "FLOCK_ARGUMENT_INVALID",
    `range is { start: ${start}, end: ${end} }; it takes whole numbers of bytes with 0 ≤ start ≤ end.`,
  );
}

/** By code units, the order in which S3 lists. */
export function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
