import { fileURLToPath } from "node:url";

/**
 * The compiled program of a slot. Threads and child processes run JavaScript, so this is the build's file also when the
 * worker itself runs from its sources.
 */
export function slotProgram(name: "thread" | "process"): string {
  return fileURLToPath(new URL(`../dist/slot-${name}.js`, import.meta.url));
}

/** Names of variables that carry tokens: never passed on to code of users. */
const SECRET_VARIABLES = ["TASKFLOCK_TOKEN", "TASKFLOCK_TOKEN_FILE", "TASKFLOCK_NANNY"];

/** The environment that slots and worker processes get. */
export function publicEnvironment(environment: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const rest = { ...environment };
  for (const name of SECRET_VARIABLES) delete rest[name];
  return rest;
}
