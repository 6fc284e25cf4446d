// Connection contexts: clusters by name, and which of them is meant where none is said. Files of this user, one for each.

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseAddress } from "./address.ts";
import { stateFolder } from "./state-folder.ts";
import { FlockError } from "./words/index.ts";

/** How a cluster is reached. Secrets are not in it, but in files that it names. */
export interface ConnectionContext {
  /** The scheduler, as host:port, ws:// or wss://. */
  readonly address: string;
  readonly tokenFile?: string;
  /** Certificates that are trusted for it; with them links use TLS. */
  readonly caFile?: string;
  /** The status page. */
  readonly dashboard?: string;
}

export interface NamedContext extends ConnectionContext {
  readonly name: string;
}

/** Where no address is said, and no context is current. */
const LOCAL: ConnectionContext = { address: "127.0.0.1:8786" };

/** Saves it under the name, in place of what was there, readable by this user only. Throws FLOCK_CONTEXT_INVALID. */
export function saveContext(name: string, context: ConnectionContext): void {
  write(fileOf(name), `${JSON.stringify(checked(name, context), null, 2)}\n`);
}

/** Throws FLOCK_CONTEXT_UNKNOWN and FLOCK_CONTEXT_INVALID. */
export function readContext(name: string): NamedContext {
  const file = fileOf(name);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    const known = listContexts();
    const others = known.length === 0 ? "None is saved here." : `There are: ${known.join(", ")}.`;
    throw new FlockError("FLOCK_CONTEXT_UNKNOWN", `There is no connection context ${name} (${file}). ${others}`, {
      cause,
    });
  }
  try {
    return { name, ...checked(name, JSON.parse(text)) };
  } catch (cause) {
    if (cause instanceof FlockError) throw cause;
    throw invalid(name, `its file ${file} is not JSON`);
  }
}

/** Names of all that are saved, sorted. */
export function listContexts(): readonly string[] {
  try {
    const files = readdirSync(folder()).filter((file) => file.endsWith(".json"));
    return files.map((file) => file.slice(0, -".json".length)).sort();
  } catch {
    return [];
  }
}

/** The name of the one that is meant where none is said: TASKFLOCK_CONTEXT, or what `chooseContext` chose; null: none. */
export function currentContextName(): string | null {
  const variable = process.env["TASKFLOCK_CONTEXT"];
  if (variable) return variable;
  try {
    return readFileSync(currentFile(), "utf8").trim() || null;
  } catch {
    return null;
  }
}

/** Makes it the current one; null: none is. Throws FLOCK_CONTEXT_UNKNOWN and FLOCK_CONTEXT_INVALID. */
export function chooseContext(name: string | null): void {
  if (name === null) rmSync(currentFile(), { force: true });
  else write(currentFile(), `${readContext(name).name}\n`);
}

/** Forgets it; true when it was there. No file that it names is touched. */
export function removeContext(name: string): boolean {
  const isThere = listContexts().includes(name);
  rmSync(fileOf(name), { force: true });
  try {
    if (readFileSync(currentFile(), "utf8").trim() === name) rmSync(currentFile(), { force: true });
  } catch {
    // None was current.
  }
  return isThere;
}

/**
 * Which cluster is meant: the address that was said, TASKFLOCK_ADDRESS, the current context, or a scheduler on this machine. What a
 * context says beside its address is for that address only: a token goes nowhere else.
 */
export function findPlace(said?: {
  readonly address?: string | undefined;
  readonly context?: string | undefined;
}): ConnectionContext | NamedContext {
  if (said?.address !== undefined) return { address: said.address };
  if (said?.context !== undefined) return readContext(said.context);
  const variable = process.env["TASKFLOCK_ADDRESS"];
  if (variable) return { address: variable };
  const current = currentContextName();
  return current === null ? LOCAL : readContext(current);
}

const folder = (): string => join(stateFolder(), "contexts");

const currentFile = (): string => join(folder(), "current");

function fileOf(name: string): string {
  if (/^[A-Za-z0-9][\w.-]{0,63}$/.test(name)) return join(folder(), `${name}.json`);
  const text = `${JSON.stringify(name)} is no name of a connection context: 1 to 64 letters, digits, dots, dashes and _ are, from a letter or digit on.`;
  throw new FlockError("FLOCK_CONTEXT_INVALID", text);
}

const fields: readonly string[] = ["address", "tokenFile", "caFile", "dashboard"];

/** Only what belongs to a context. */
function checked(name: string, raw: unknown): ConnectionContext {
  if (typeof raw !== "object" || raw === null) throw invalid(name, "it is not an object");
  const entries = Object.entries(raw).filter(([field, value]) => fields.includes(field) && value !== undefined);
  for (const [field, value] of entries) {
    if (typeof value !== "string" || value === "") throw invalid(name, `its ${field} is not text`);
  }
  const context = Object.fromEntries(entries) as Partial<ConnectionContext>;
  if (context.address === undefined) throw invalid(name, "it has no address");
  parseAddress(context.address);
  return { ...context, address: context.address };
}

function invalid(name: string, why: string): FlockError {
  const mend = `Save it anew, or remove it: taskflock context remove ${name}.`;
  return new FlockError("FLOCK_CONTEXT_INVALID", `The connection context ${name} cannot be used: ${why}. ${mend}`);
}

/** As a whole, or not at all. */
function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, file);
}
