// How flags turn into values. Each says what it takes when it gets something else.

import { availableParallelism, totalmem } from "node:os";
import { formatBytes } from "./format.ts";

/** What commander looks for by its code, and tells with the name of the flag; the roles start without it. */
class InvalidValue extends Error {
  readonly code = "commander.invalidArgument";
}

const unitBytes: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  kib: 1024,
  m: 1e6,
  mb: 1e6,
  mib: 1024 ** 2,
  g: 1e9,
  gb: 1e9,
  gib: 1024 ** 3,
  t: 1e12,
  tb: 1e12,
  tib: 1024 ** 4,
};

/** `2GiB`, `500MB`, `1073741824`: bytes. */
export function byteSize(text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  const unit = unitBytes[(match?.[2] ?? "?").toLowerCase()];
  if (match === null || unit === undefined) throw new InvalidValue("Give a size such as 2GiB, 500MB or 1073741824.");
  return Math.round(Number(match[1]) * unit);
}

/** The same, in a range, both ends included. */
export function byteSizeFrom(from: number, to: number): (text: string) => number {
  return (text) => {
    const value = byteSize(text);
    if (value >= from && value <= to) return value;
    throw new InvalidValue(`Give a size from ${formatBytes(from)} to ${formatBytes(to)}.`);
  };
}

/** `0.6`, `60%`, `off`: a share of something, from 0 to 1; 0 where it is off. */
export function share(text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(%?)\s*$/.exec(text);
  const value = /^\s*off\s*$/i.test(text) ? 0 : Number(match?.[1]) / (match?.[2] === "%" ? 100 : 1);
  if (value >= 0 && value <= 1) return value;
  throw new InvalidValue("Give a share such as 0.6 or 60%, or off.");
}

/** A whole number in a range, both ends included. */
export function integer(from: number, to: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\s*-?\d+\s*$/.test(text) || value < from || value > to) {
      throw new InvalidValue(`Give a whole number from ${from} to ${to}.`);
    }
    return value;
  };
}

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
/** What a timer can wait for. */
const MAX_MS = 2 ** 31 - 1;

/** `90s`, `30m`, `1.5h`, `500ms`: milliseconds. */
export function duration(text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$/i.exec(text);
  const unit = unitMs[(match?.[2] ?? "?").toLowerCase()];
  const ms = match === null || unit === undefined ? Number.NaN : Math.round(Number(match[1]) * unit);
  if (ms >= 1 && ms <= MAX_MS) return ms;
  throw new InvalidValue("Give a time with its unit, such as 90s, 30m or 12h, at most 24 days.");
}

export const port: (text: string) => number = integer(0, 65_535);

/** A descriptor that a parent hands down; 0, 1 and 2 are the standard streams. */
export const descriptorNumber: (text: string) => number = integer(3, 1023);

/** `GPU=1,disk=0.5`: names and amounts. */
export function resources(text: string): Record<string, number> {
  const parsed: Record<string, number> = {};
  for (const part of text.split(",").filter((piece) => piece.trim() !== "")) {
    const match = /^\s*([A-Za-z_][\w.-]*)\s*=\s*(\d+(?:\.\d+)?)\s*$/.exec(part);
    const name = match?.[1];
    if (name === undefined) throw new InvalidValue("Give resources as NAME=AMOUNT, e.g. GPU=1 or GPU=1,disk=0.5.");
    if (Object.hasOwn(parsed, name)) throw new InvalidValue(`Give ${name} once.`);
    parsed[name] = Number(match?.[2]);
  }
  return parsed;
}

/** `auto`, `none`, or how many. */
export function gpus(text: string): "auto" | "none" | number {
  const word = text.trim().toLowerCase();
  if (word === "auto" || word === "none") return word;
  if (/^\d{1,3}$/.test(word) && Number(word) <= 256) return Number(word);
  throw new InvalidValue("Give auto, none, or a number of GPUs from 0 to 256.");
}

/** `1/4`: the second of four. */
export function gpuDeal(text: string): { readonly index: number; readonly of: number } {
  const match = /^\s*(\d{1,3})\s*\/\s*(\d{1,3})\s*$/.exec(text);
  const [index, of] = [Number(match?.[1]), Number(match?.[2])];
  if (match !== null && index < of) return { index, of };
  throw new InvalidValue("Give a place and a number of workers, such as 0/2 or 1/2.");
}

/** `./setup.mjs,some-package`: modules that are loaded before anything else. */
export function modules(text: string): readonly string[] {
  const parsed = text.split(",").map((piece) => piece.trim());
  if (parsed.includes("")) throw new InvalidValue("Give paths or packages, e.g. ./setup.mjs or ./a.mjs,some-package.");
  return parsed;
}

/** `a.example,b.example`: names of hosts. */
export function names(text: string): readonly string[] {
  const parsed = text.split(",").map((piece) => piece.trim());
  if (parsed.every((name) => /^(?:[\w.-]+|\[[\da-f:.]+\])$/i.test(name))) return parsed;
  throw new InvalidValue("Give names of hosts without ports, such as cluster.example or cluster.example,10.0.0.7.");
}

/** The machine's memory, or what a container may take of it, bytes. */
function memoryHere(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

/** An even share of the machine's memory. */
export function memoryShare(processes: number): number {
  return Math.floor(memoryHere() / processes);
}

export function cores(): number {
  return availableParallelism();
}
