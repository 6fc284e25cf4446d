// What every role of the CLI does as a process: its signals, its ready line, its end.

import { closeSync, createReadStream, writeSync } from "node:fs";
import { Socket } from "node:net";
import { text } from "node:stream/consumers";
import { FlockError, isFlockError } from "@taskflock/protocol/words";

/** Tells the parent that started us, as one line of JSON on the descriptor it gave, that we are ready. */
export function announceReady(fd: number | undefined, facts: object): void {
  if (fd === undefined) return;
  writeSync(fd, `${JSON.stringify(facts)}\n`);
  closeSync(fd);
}

/** Reads a token from an inherited descriptor, so that it never stands in arguments or the environment. */
export async function tokenFromDescriptor(fd: number): Promise<string> {
  const [token] = await tokensFromDescriptor(fd);
  return token;
}

/** Those that follow, if any, stand on lines of their own. */
export async function tokensFromDescriptor(fd: number): Promise<[string, ...string[]]> {
  const [token = "", ...more] = (await text(createReadStream("", { fd }))).trim().split(/\r?\n/);
  if (token === "") throw new FlockError("FLOCK_UNAUTHORIZED", `descriptor ${fd} held no token`);
  return [token, ...more];
}

/** When a role is to stop. */
export interface StopHandlers {
  /** SIGTERM or SIGINT: in order. Called once. */
  stop(reason: string): void;
  /** The same signal once more: what takes time is not waited for. Called once; a third ends the process at once. */
  hurry(): void;
  /** The parent process is gone, and with it whatever there was to be orderly for. Called once. */
  orphaned(): void;
}

/** Listens for signals and, when asked to, for the end of stdin. */
export function onStop(handlers: StopHandlers, options: { readonly stdinEnd: boolean }): void {
  let stopping = false;
  let hurrying = false;
  // By signal: at a terminal a worker below a nanny gets the person's SIGINT, and the nanny's SIGTERM for it.
  const times = { SIGTERM: 0, SIGINT: 0 };
  const heard = (signal: keyof typeof times): void => {
    const time = ++times[signal];
    if (time > 2) process.exit(signal === "SIGINT" ? 130 : 143);
    if (time === 2 && !hurrying) {
      hurrying = true;
      handlers.hurry();
    }
    if (stopping) return;
    stopping = true;
    handlers.stop(signal);
  };
  process.on("SIGTERM", () => heard("SIGTERM"));
  process.on("SIGINT", () => heard("SIGINT"));
  if (options.stdinEnd) {
    let orphaned = false;
    const end = (): void => {
      if (!orphaned) handlers.orphaned();
      orphaned = true;
    };
    process.stdin.on("end", end).on("error", end);
    process.stdin.resume();
    // It is listened to, but it must not keep a role alive that has ended.
    if (process.stdin instanceof Socket) process.stdin.unref();
  }
}

/** One line for a person; the stack only for what is not coded. */
export function describeError(error: unknown): string {
  if (isFlockError(error)) return `taskflock: ${error.message} (${error.code})`;
  return `taskflock: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

let isForgiving = false;

/** On stdout; a reader who left (`| head`) ends the process, well. */
export function printLine(text: string): void {
  if (!isForgiving) {
    isForgiving = true;
    process.stdout.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      process.exit(0);
    });
  }
  process.stdout.write(`${text}\n`);
}
