// One installation at a time in a folder.
import { spawn } from "node:child_process";
import type { Readable } from "node:stream";

export interface Lock {
  /** Whether another process had it, and was waited for. */
  readonly waited: boolean;
  free(): Promise<void>;
}

/**
 * Node has no locks that the system takes back when their owner dies; Python has, and is there. So a Python holds it, for as long as its
 * stdin is open, which ends with us in any case. It is on the folder itself: whoever had it before may have removed that, being empty.
 */
const script = `
import fcntl, os, sys
folder = sys.argv[1]
while True:
    os.makedirs(folder, exist_ok=True)
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print("waiting", flush=True)
        fcntl.flock(held, fcntl.LOCK_EX)
    try:
        if os.path.samestat(os.fstat(held), os.stat(folder)):
            break
    except FileNotFoundError:
        pass
    os.close(held)
print("held", flush=True)
sys.stdin.read()
`;

/** Makes the folder and its lock; waits for whoever has it. `onWait` is called when there is somebody. */
export async function takeLock(
  python: string,
  folder: string,
  signal: AbortSignal | undefined,
  onWait: () => void,
): Promise<Lock> {
  signal?.throwIfAborted();
  // A group of its own: Ctrl-C at a terminal must not free it while there is still something to undo.
  const child = spawn(python, ["-c", script, folder], { stdio: ["pipe", "pipe", "pipe"], detached: true });
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  let problem = "";
  child.on("error", (error) => {
    problem = error.message;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    problem += text;
  });
  const free = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  signal?.addEventListener("abort", free, { once: true });
  try {
    const said = await untilHeld(child.stdout, ended, onWait);
    signal?.throwIfAborted();
    if (said === null) throw new Error(`${folder} could not be locked: ${problem}`);
    return { waited: said.includes("waiting"), free };
  } finally {
    signal?.removeEventListener("abort", free);
  }
}

/** All that the script said; null when it ended before it had the lock. */
function untilHeld(stdout: Readable, ended: Promise<void>, onWait: () => void): Promise<string | null> {
  return new Promise((resolve) => {
    let said = "";
    void ended.then(() => resolve(null));
    stdout.setEncoding("utf8").on("data", (text: string) => {
      const before = said;
      said += text;
      if (said.includes("held")) resolve(said);
      else if (said.includes("waiting") && !before.includes("waiting")) onWait();
    });
  });
}
