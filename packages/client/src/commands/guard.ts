// Ends a command when the slot that runs it does not come to do it: a thread that is ended and a process that is killed run
// nothing more.

import { spawn } from "node:child_process";

/**
 * Reads what the slot tells: the command's process group, "over" when that is no more, "removed" when the folder is. If the pipe
 * ends before, the slot has ended, in whatever way: the guard kills the group, and removes the folder.
 */
const GUARD = `
  group=
  while read -r word; do
    case $word in over) group= ;; removed) exit ;; *) group=$word ;; esac
  done
  if [ -n "$group" ]; then kill -s KILL -- "-$group"; fi
  rm -rf -- "$1" || { chmod -R u+rwX -- "$1"; sleep 1; rm -rf -- "$1"; }`;

export interface Guard {
  tell(line: string): void;
  leave(): void;
}

/** A small shell beside the command, because nothing of a thread or process that is killed can do it. None on Windows. */
export function startGuard(folder: string): Guard {
  if (process.platform === "win32") return { tell: () => undefined, leave: () => undefined };
  const guard = spawn("sh", ["-c", GUARD, "sh", folder], {
    cwd: "/",
    detached: true, // out of reach of Ctrl-C
    stdio: ["pipe", "ignore", "ignore"],
  });
  guard.on("error", () => undefined); // a machine without a shell: commands run, unguarded
  const pipe = guard.stdin.on("error", () => undefined);
  return { tell: (line) => void pipe.write(`${line}\n`), leave: () => void pipe.end() };
}
