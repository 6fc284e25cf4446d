// What a generated program computes where it was written, and what its function computes where it was sent.
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { inspect, isDeepStrictEqual } from "node:util";
import { createContext, runInContext, runInThisContext } from "node:vm";
import { decodeValue, encodeValue, importFrom, isFlockError } from "@taskflock/protocol";
import type { AnyFunction } from "../../src/function-table.ts";
import { looking } from "../../src/functions/inspect.ts";
import type { Shipping } from "../ship.ts";
import type { Program } from "./program.ts";

interface Loaded {
  readonly main: AnyFunction;
  /** Of the same place, over another value. */
  readonly more?: AnyFunction;
  readonly args: () => readonly unknown[];
  readonly warm: () => void;
  readonly change: () => void;
}

const require = createRequire(import.meta.url);

/** A copy of the program that nobody else has. */
async function load({ kind, files }: Program, folder: string, isSent: boolean): Promise<Loaded> {
  if (kind === "repl" || kind === "context") {
    const context = createContext();
    const run = (text: string): unknown =>
      kind === "repl" && isSent ? runInThisContext(text, "REPL1") : runInContext(text, context, "REPL1");
    return Object.values(files).map(run).at(-1) as Loaded;
  }
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  if (kind === "module") return (await importFrom(folder, "./main.mjs"))["default"] as Loaded;
  return (require(join(folder, "main.cjs")) as { api: Loaded }).api;
}

/** Of a call, as text that two calls can be compared by. */
export async function outcome(call: () => unknown): Promise<string> {
  try {
    const bytes = encodeValue(await call(), {
      leaf: (value) => (typeof value === "function" ? { kind: "function", index: 0 } : undefined),
    }).toBytes();
    return Buffer.from(bytes).toString("base64");
  } catch (error) {
    if (isFlockError(error)) throw error;
    const { name, message } = (error ?? {}) as { name?: unknown; message?: unknown };
    return `throws ${name}${String(message).startsWith("user:") ? message : ""}`;
  }
}

export type Verdict = "same" | "refused";

/** A program, made three times: the third is sent, at once and after a change; the others tell what it must compute. */
export interface Copies {
  readonly program: Program;
  readonly copies: readonly [Loaded, Loaded, Loaded];
}

/** Undefined for a program that is broken. */
export async function loadCopies(program: Program, folder: string): Promise<Copies | undefined> {
  try {
    const copies = await Promise.all([1, 2, 3].map((copy) => load(program, `${folder}-${copy}`, copy === 3)));
    return { program, copies: copies as [Loaded, Loaded, Loaded] };
  } catch {
    return undefined;
  }
}

/** Has the texts of all of them read at once, which the engine does at little more than the cost of one. */
export function readTogether(all: readonly Copies[], shipping: Shipping): void {
  looking(() => {
    for (const { copies } of all) {
      try {
        shipping.functions.use(copies[2].main);
      } catch {
        // The comparison says why.
      }
    }
  });
}

export async function compare(
  { copies }: Copies,
  shipping: Shipping,
  onRefusal: (message: string) => void = () => undefined,
): Promise<Verdict> {
  const [first, second, sent] = copies;
  for (const { warm } of copies) warm();
  second.change();
  // What it is in the others is what it must be when it is sent: none of them is called twice.
  const here = [await outcome(() => first.main(...first.args())), await outcome(() => second.main(...second.args()))];
  const call = (fn: AnyFunction, bind = false): Promise<string> => outcome(() => shipping.call(fn, sent.args(), bind));
  try {
    if (sent.more !== undefined) await call(sent.more); // its plan must not be taken for the other's
    const there = [await call(sent.main), await call(sent.main, true)];
    sent.change();
    there.push(await call(sent.main));
    if (there.every((outcome, index) => isSame(outcome, here[index === 2 ? 1 : 0]!))) return "same";
    throw new Error(`here ${here.map(shown).join(" and then ")}, there ${there.map(shown).join(" and ")}`);
  } catch (error) {
    // The second is said of arguments.
    if (!isFlockError(error, "FLOCK_FUNCTION_NOT_SERIALIZABLE") && !isFlockError(error, "FLOCK_NOT_SERIALIZABLE"))
      throw error;
    onRefusal(error.message);
    return "refused";
  }
}

/** As bytes; or as values, because NaN has many forms. */
function isSame(one: string, other: string): boolean {
  if (one === other) return true;
  return !isThrown(one) && !isThrown(other) && isDeepStrictEqual(decoded(one), decoded(other));
}

function isThrown(outcome: string): boolean {
  return outcome.startsWith("throws");
}

function decoded(outcome: string): unknown {
  return decodeValue(Buffer.from(outcome, "base64"), { leaf: () => "a function" });
}

function shown(outcome: string): string {
  return isThrown(outcome) ? outcome : inspect(decoded(outcome), { depth: 6, breakLength: Number.POSITIVE_INFINITY });
}

export function print({ kind, files }: Program): string {
  const texts = Object.entries(files).map(([name, text]) => `// ---- ${name}\n${text}`);
  return `${texts.join("\n")}\n// ---- called ${kind}\n`;
}
