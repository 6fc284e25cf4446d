// The logger of every role.

import { createRequire } from "node:module";
import type { Logger } from "pino";

/** From the most to the least talkative. */
export const logLevels = ["trace", "debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

const require = createRequire(import.meta.url);

/**
 * JSON lines on stderr; readable ones when stderr is a terminal. Pino is loaded with the first line that is logged: a role that has
 * nothing to say starts sooner.
 */
export function createLogger(level: LogLevel, name: string): Logger {
  const quieter = new Set<PropertyKey>(logLevels.slice(0, logLevels.indexOf(level)));
  let logger: Logger | undefined;
  return new Proxy({} as Logger, {
    get: (_, property) => {
      if (quieter.has(property)) return ignore;
      logger ??= loadLogger(level, name);
      const value: unknown = Reflect.get(logger, property);
      return typeof value === "function" ? value.bind(logger) : value;
    },
  });
}

function loadLogger(level: LogLevel, name: string): Logger {
  const { pino } = require("pino") as typeof import("pino");
  const options = { level, name, base: { name } };
  if (!process.stderr.isTTY) return pino(options, pino.destination({ dest: 2, sync: true }));
  const pretty = require("pino-pretty") as typeof import("pino-pretty");
  return pino(options, pretty({ destination: 2, ignore: "pid,hostname", sync: true }));
}

function ignore(): void {}
