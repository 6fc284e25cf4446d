import { loadSeldom } from "../load-session.ts";
import { taskClient } from "../task-client.ts";
import type { JoinGroupOptions } from "./join.ts";
import type { TaskGroup } from "./task-group.ts";

/**
 * Makes the task that calls it a member of a group of tasks, which run at the same time and send each other bytes from worker to worker, past the
 * scheduler. Resolves when all members have come, with what the member has of the group; leave it by `close()`, or by `await using`.
 *
 * ```ts
 * const group = await joinGroup({ name: "sums", rank, size });
 * const sum = await group.allReduce(new Float32Array([rank]));
 * await group.close();
 * ```
 *
 * Rejects with FLOCK_NOT_IN_TASK outside of a task, FLOCK_OPTION_INVALID, FLOCK_WAIT_TIMEOUT (members that did not come), FLOCK_GROUP_UNREACHABLE,
 * FLOCK_GROUP_BROKEN (a member is gone again), FLOCK_CANCELLED.
 */
export async function joinGroup(options: JoinGroupOptions): Promise<TaskGroup> {
  const { join } = await loadSeldom();
  return join(options, taskClient);
}
