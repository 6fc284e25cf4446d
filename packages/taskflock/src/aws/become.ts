// Another program takes this one's place at the terminal.

import { spawn } from "node:child_process";
import { FlockError } from "@taskflock/protocol/words";
import type { Program } from "./reach.ts";

/** Resolves with its exit code. Rejects with FLOCK_AWS_COMMAND when it is not there. */
export function become({ command, args, from }: Program): Promise<number> {
  // Ctrl-C is for the shell there.
  process.on("SIGINT", () => undefined);
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: "inherit" });
    child.once("error", (cause) => {
      const message = `${command} is not on the path. It comes with ${from}.`;
      reject(new FlockError("FLOCK_AWS_COMMAND", message, { cause }));
    });
    child.once("close", (code) => resolve(code ?? 1));
  });
}
