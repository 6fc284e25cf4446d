// A log-in for one push that leaves nothing behind: a folder of Docker's settings of its own, with the password in it.
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

/** A process that dies of one of them says no "exit". */
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface LogIn {
  /** For Docker's program. */
  readonly env: NodeJS.ProcessEnv;
  dispose(): void;
}

/**
 * `docker login` would keep the password: in the user's settings, or in the system's key store, which it looks for by itself. So the
 * settings are written here, for a push, and removed after it. Which daemon is spoken to (a "context" of Docker) stays as it is.
 */
export function logInFor(registry: string, auth: string): LogIn {
  const folder = mkdtempSync(join(tmpdir(), "taskflock-login-")); // for its owner alone
  const dispose = (): void => {
    process.off("exit", dispose);
    for (const signal of signals) process.off(signal, leave);
    rmSync(folder, { recursive: true, force: true });
  };
  const leave = (signal: NodeJS.Signals): void => {
    dispose();
    process.kill(process.pid, signal); // as if nobody had listened
  };
  process.on("exit", dispose);
  for (const signal of signals) process.on(signal, leave);
  try {
    const users = process.env["DOCKER_CONFIG"] ?? join(homedir(), ".docker");
    const settings = { ...currentContext(users), auths: { [registry]: { auth } } };
    writeFileSync(join(folder, "config.json"), JSON.stringify(settings), { mode: 0o600 });
    const contexts = join(users, "contexts");
    if (existsSync(contexts)) symlinkSync(contexts, join(folder, "contexts"), "junction");
    return { env: { ...process.env, DOCKER_CONFIG: folder }, dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

function currentContext(folder: string): { currentContext?: string } {
  try {
    const { currentContext } = JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
    return typeof currentContext === "string" ? { currentContext } : {};
  } catch {
    return {}; // without settings, Docker has its defaults
  }
}
