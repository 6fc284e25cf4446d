// For health checks that ask no port: a file whose time is new as long as a worker is joined and its event loop turns.

import { rmSync, writeFileSync } from "node:fs";
import type { Logger } from "pino";

const EVERY_MS = 5_000;

/** Writes the file now and every five seconds, until `remove`. One that cannot be written is warned about, once. */
export function keepHealthFile(path: string, logger: Logger): { remove(): void } {
  let isWarned = false;
  const write = (): void => {
    try {
      writeFileSync(path, `${new Date().toISOString()}\n`);
    } catch (err) {
      if (!isWarned) logger.warn({ err, file: path }, "the health file cannot be written; this worker will look ill");
      isWarned = true;
    }
  };
  write();
  const timer = setInterval(write, EVERY_MS).unref();
  return {
    remove: () => {
      clearInterval(timer);
      rmSync(path, { force: true });
    },
  };
}
