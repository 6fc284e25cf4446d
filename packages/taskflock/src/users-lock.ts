// One change of the users file at a time: each reads it, and writes it as a whole.

import { rmSync, statSync, writeFileSync } from "node:fs";
import { FlockError } from "@taskflock/protocol/words";

/** A change takes milliseconds: who held it for so long was killed. */
const STALE_MS = 5_000;
const PATIENCE_MS = 2 * STALE_MS;
const LOOK_MS = 20;

/** Waits for other commands. What `work` does must not wait for anything. Throws FLOCK_USERS_INVALID. */
export function whileLocked(file: string, work: () => void): void {
  const lock = `${file}.lock`;
  take(lock, file);
  try {
    work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function take(lock: string, file: string): void {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      writeFileSync(lock, `${process.pid}\n`, { flag: "wx", mode: 0o600 });
      return;
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      if (code !== "EEXIST")
        throw new FlockError("FLOCK_USERS_INVALID", `The users file ${file} cannot be written: ${message}.`, { cause });
    }
    const heldSince = statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - heldSince > STALE_MS) rmSync(lock, { force: true });
    else if (performance.now() > deadline) throw stillLocked(lock, file);
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_MS); // sleeps: commands have nothing else to do
  }
}

function stillLocked(lock: string, file: string): FlockError {
  const text = `The users file ${file} is being changed by another command; nothing was changed. If there is none, remove ${lock}.`;
  return new FlockError("FLOCK_USERS_INVALID", text);
}
