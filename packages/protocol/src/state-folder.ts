import { homedir } from "node:os";
import { join } from "node:path";

/** Where Taskflock keeps what is this user's on this machine. */
export function stateFolder(): string {
  const state = process.env["XDG_STATE_HOME"];
  return state ? join(state, "taskflock") : join(homedir(), ".taskflock");
}
