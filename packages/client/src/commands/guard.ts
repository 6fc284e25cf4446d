// Ends a command when the slot that runs it does not come to do it: a thread that is ended and a process that is killed run
// nothing more.

import { spawn } from "node:child_process";

/** In the environment of a command and of all that it starts: its folder, by which the guard finds them. */
export const FOLDER_VARIABLE = "TASKFLOCK_EXEC_FOLDER";

/**
 * Reads what the slot tells: "begins" before the command is started, then its process group, "over" when that is no more, "removed" when
 * the folder is. If the pipe ends before, the slot has ended, in whatever way: the guard kills the group, and removes the folder.
 *
 * A slot can be ended at the very moment when it starts the command, and does not come to tell its group. Then the guard looks, for two
 * seconds, for processes with the folder in their environment: on Linux, where these can be read. (A process that was just forked has its parent's.)
 */
const GUARD = `
  group= begun=
  while read -r word; do
    case $word in begins) begun=1 ;; over) group= begun= ;; removed) exit ;; *) group=$word ;; esac
  done
  if [ -n "$group" ]; then kill -s KILL -- "-$group"
  elif [ -n "$begun" ]; then
    for look in 1 2 3 4 5 6 7 8 9 10; do
      for file in $(grep -lsF -- "${FOLDER_VARIABLE}=$1" /proc/[0-9]*/environ); do
        pid=\${file#/proc/}
        kill -s KILL "\${pid%/environ}"
      done
      sleep 0.2
    done
  fi
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
