// A worker's own log lines, also told to the scheduler, so that people can ask for them.

import type { Logger } from "pino";

const LEVELS: ReadonlySet<PropertyKey> = new Set(["info", "warn", "error", "fatal"]);

/** Logs as `logger` does, and says each line from `info` up to `tell` as a text. */
export function toldLogger(logger: Logger, tell: (line: string) => void): Logger {
  return new Proxy(logger, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (!LEVELS.has(property) || typeof value !== "function") return value;
      return (...given: unknown[]): void => {
        Reflect.apply(value, target, given);
        tell(`${String(property).toUpperCase()} ${textOf(given)}`);
      };
    },
  });
}

/** Facts stand before the message, as pino takes them. */
function textOf(given: readonly unknown[]): string {
  const [first, message] = given;
  if (typeof first !== "object" || first === null) return String(first);
  const facts = Object.entries(first).map(([name, value]) => `${name}=${shown(value)}`);
  return [typeof message === "string" ? message : "", ...facts].filter((part) => part !== "").join(" ");
}

function shown(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(`${value.name}: ${value.message}`);
  return typeof value === "string" && !/\s/.test(value) ? value : (JSON.stringify(value) ?? String(value));
}
