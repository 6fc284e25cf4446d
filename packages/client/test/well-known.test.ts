import { EventEmitter } from "node:events";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import util from "node:util";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { type WellKnown, wellKnown } from "../src/functions/well-known.ts";

const require = createRequire(import.meta.url);

/** What a worker makes of it. */
function evaluate(known: WellKnown | undefined): unknown {
  if (known === undefined) throw new Error("it is not known");
  if ("expression" in known) return new Function(`return ${known.expression}`)();
  const steps = known.member === "" ? [] : known.member.split(".");
  return steps.reduce<unknown>((value, step) => Reflect.get(value as object, step), require(known.specifier));
}

describe("values that every worker has", () => {
  const { max } = Math;
  const has = Object.prototype.hasOwnProperty;

  it.each<[string, unknown]>([
    ["Math.max", max],
    ["Object.prototype.hasOwnProperty", has],
    ["Array.prototype.map", Array.prototype.map],
    ["Map", Map],
    ["Map.prototype", Map.prototype],
    ["Map.prototype.get", Map.prototype.get],
    ["parseFloat", Number.parseFloat],
    ["Intl.DateTimeFormat.prototype.formatToParts", Intl.DateTimeFormat.prototype.formatToParts],
    ["Symbol.iterator", Symbol.iterator],
    ["Array.prototype.values", Array.prototype[Symbol.iterator]],
    ["RegExp.prototype[Symbol.replace]", RegExp.prototype[Symbol.replace]],
    ['Symbol.for("of the user")', Symbol.for("of the user")],
    ["Object.getPrototypeOf(Int8Array)", Object.getPrototypeOf(Uint8Array)],
    ["console", console],
    ["process", process],
    ["process.env", process.env],
    ["globalThis", globalThis],
    ["Buffer.from", Buffer.from],
    ["setTimeout", setTimeout],
    ["structuredClone", structuredClone],
    ["crypto", crypto],
    ["fetch", fetch],
  ])("%s", (expression, value) => {
    expect(wellKnown(value)).toEqual({ expression });
    expect(evaluate({ expression })).toBe(value);
  });

  it.each<[string, string, unknown]>([
    ["node:os", "cpus", os.cpus],
    ["node:os", "", os],
    ["node:fs", "promises", fs.promises],
    ["node:fs", "promises.readFile", fs.promises.readFile],
    ["node:path", "win32.join", path.win32.join],
    ["node:events", "", EventEmitter],
    ["node:events", "prototype.emit", EventEmitter.prototype.emit],
    ["node:util", "types.isProxy", util.types.isProxy],
    ["node:fs", "ReadStream", fs.ReadStream],
  ])("%s %s", (specifier, member, value) => {
    expect(wellKnown(value)).toEqual({ specifier, member });
    expect(evaluate({ specifier, member })).toBe(value);
  });

  it("include the getters of prototypes, and what no name leads to", () => {
    const { get: size } = Object.getOwnPropertyDescriptor(Map.prototype, "size") ?? {};
    const hidden = [size, Object.getPrototypeOf(async () => {}).constructor, Object.getPrototypeOf([].values()).next];
    for (const value of hidden) expect(evaluate(wellKnown(value))).toBe(value);
  });

  it("include what is loaded only when it is first used", () => {
    expect(wellKnown(Headers)).toEqual({ expression: "Headers" });
    expect(wellKnown(Headers.prototype.get)).toEqual({ expression: "Headers.prototype.get" });
    expect(wellKnown(ReadableStream.prototype.cancel)).toEqual({ expression: "ReadableStream.prototype.cancel" });
    const readline = require("node:readline") as typeof import("node:readline");
    expect(wellKnown(readline.createInterface)).toEqual({ specifier: "node:readline", member: "createInterface" });
    const zlib = process.getBuiltinModule?.("node:zlib") ?? (require("node:zlib") as typeof import("node:zlib"));
    expect(wellKnown(zlib.gzipSync)).toEqual({ specifier: "node:zlib", member: "gzipSync" });
  });

  it("lead back to the very same value, each of them", () => {
    const roots: object[] = [Object, Array, String, Promise, Reflect, JSON, Intl, util, path, fs, os, URL, Buffer];
    const names = roots.flatMap((root) => Object.getOwnPropertyNames(root).map((name) => [root, name] as const));
    const check = fc.property(fc.constantFrom(...names), ([root, name]) => {
      const value: unknown = Object.getOwnPropertyDescriptor(root, name)?.value;
      if (typeof value !== "function") return;
      expect(evaluate(wellKnown(value)), name).toBe(value);
    });
    fc.assert(check, { seed: 3, numRuns: 300 });
  });
});

describe("values of the program's own", () => {
  const before = { random: Math.random, max: Math.max, readFileSync: fs.readFileSync };
  afterEach(() => {
    Math.random = before.random;
    Math.max = before.max;
    fs.readFileSync = before.readFileSync;
    Reflect.deleteProperty(Array.prototype, "last");
    Reflect.deleteProperty(globalThis, "ownGlobal");
  });

  it.each<[string, unknown]>([
    ["a function", () => 1],
    ["a function with a global's name", { Headers: () => 1 }.Headers],
    ["a class", class Maps extends Map {}],
    ["an object", {}],
    ["a symbol", Symbol("Symbol.iterator")],
    ["an instance", new Map()],
    ["a bound function", ((x: number) => x).bind(null)],
    ["another realm's", runInNewContext("Math.max")],
    ["text", "Math"],
    ["null", null],
    ["undefined", undefined],
    ["data of the process", process.argv],
  ])("are not known: %s", (_, value) => {
    expect(wellKnown(value)).toBeUndefined();
  });

  it("are not known where they took a builtin's place, or were added to one", () => {
    const seeded = (): number => 4;
    Math.random = seeded;
    const reading = (() => "") as unknown as typeof fs.readFileSync;
    fs.readFileSync = reading;
    const last = function (this: unknown[]): unknown {
      return this.at(-1);
    };
    Object.assign(Array.prototype, { last });
    Object.assign(globalThis, { ownGlobal: last });
    const watched = new Proxy(Math.max, {});
    Math.max = watched;
    for (const value of [seeded, reading, last, watched]) expect(wellKnown(value)).toBeUndefined();
  });

  it("are not known where the builtin was replaced before anybody asked", async () => {
    const { vi } = await import("vitest");
    vi.resetModules();
    const seeded = (): number => 4;
    Math.random = seeded;
    const watched = new Proxy(Math.max, {});
    Math.max = watched;
    const fresh = await import("../src/functions/well-known.ts");
    expect(fresh.wellKnown(Math.min)).toEqual({ expression: "Math.min" });
    for (const value of [seeded, watched]) expect(fresh.wellKnown(value)).toBeUndefined();
  });
});
