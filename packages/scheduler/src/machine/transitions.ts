// The one table of transitions: what is not in it is a defect.

import {
  ASSIGNED,
  CANCELLED,
  DELAYED,
  DONE,
  FAILED,
  FREE,
  IDLE,
  QUEUED,
  RUNNING,
  STATE_COUNT,
  type State,
  UPLOADING,
  WAITING,
} from "./states.ts";

const allowed: Readonly<Record<State, readonly State[]>> = {
  // A new task; a reference that cannot be honoured is born failed or cancelled; small scattered data is born done.
  [FREE]: [WAITING, QUEUED, UPLOADING, DONE, FAILED, CANCELLED],
  // Data goes the way over its client again.
  [IDLE]: [WAITING, QUEUED, UPLOADING, FAILED, FREE],
  // Waiting → assigned is assign-ahead; → done when a copy turns up after all.
  [WAITING]: [QUEUED, ASSIGNED, DONE, FAILED, CANCELLED, IDLE, FREE],
  [DELAYED]: [WAITING, QUEUED, DONE, FAILED, CANCELLED, IDLE, FREE],
  [UPLOADING]: [DONE, FAILED, CANCELLED, FREE],
  [QUEUED]: [ASSIGNED, WAITING, DONE, FAILED, CANCELLED, IDLE, FREE],
  // Finished without `running`: both were in one frame.
  [ASSIGNED]: [RUNNING, WAITING, QUEUED, DELAYED, DONE, FAILED, CANCELLED, IDLE, FREE],
  // Back to assigned when a second attempt, which has not begun, is the only one left.
  [RUNNING]: [ASSIGNED, WAITING, QUEUED, DELAYED, DONE, FAILED, CANCELLED, IDLE, FREE],
  // Back to waiting or queued when the last copy is lost; cancelled with everything else when the cluster is restarted.
  [DONE]: [WAITING, QUEUED, UPLOADING, IDLE, FAILED, CANCELLED, FREE],
  [FAILED]: [FREE],
  [CANCELLED]: [FREE],
};

const table = new Uint8Array(STATE_COUNT * STATE_COUNT);
for (const [from, tos] of Object.entries(allowed)) for (const to of tos) table[Number(from) * STATE_COUNT + to] = 1;

export function isTransition(from: State, to: State): boolean {
  return table[from * STATE_COUNT + to] === 1;
}
