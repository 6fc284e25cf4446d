// A task that waits for tasks keeps its slot. When all slots do, nothing goes on: the task's log says so.

import type { ClusterInfo } from "@taskflock/protocol/words";
import type { Session } from "./session.ts";
import type { RunningTask } from "./task-here.ts";

const LOOK_MS = 2_000;

const WARNING =
  "This task waits for tasks that find no free slot: all slots are busy, and nothing has ended for a while. If all of them wait like " +
  "this one, nothing ever will. Build such work as a graph, or keep slots for the inner tasks by resources: docs/coordination.md.";

/** Looks now and then whether the slot's tasks wait in vain. */
export class StallWatch {
  readonly #session: Session;
  #task: RunningTask | undefined;
  #warned: RunningTask | undefined;
  /** Tasks that had ended when there was no free slot the last time. */
  #endedBefore = -1;

  constructor(session: Session) {
    this.#session = session;
    const timer = setInterval(() => {
      if (session.ended === null)
        void this.#look().catch(() => {}); // the link is cut: another time
      else clearInterval(timer);
    }, LOOK_MS);
    timer.unref();
  }

  /** It is this task that uses the client now. */
  usedBy(task: RunningTask): void {
    this.#task = task;
  }

  async #look(): Promise<void> {
    const task = this.#task;
    if (task?.running !== true || task === this.#warned || !this.#session.tasks.isAwaited) {
      this.#endedBefore = -1;
      return;
    }
    const cluster = await this.#session.questions.ask({ q: "cluster" });
    const ended = isFull(cluster) ? endedOf(cluster) : -1;
    if (ended >= 0 && ended === this.#endedBefore && task.running) {
      this.#warned = task;
      task.log(WARNING);
    }
    this.#endedBefore = ended;
  }
}

function isFull({ workers, tasks }: ClusterInfo): boolean {
  return tasks.queued + tasks.assigned > 0 && workers.every(({ running, slots }) => running >= slots);
}

function endedOf({ tasks }: ClusterInfo): number {
  return tasks.done + tasks.failed + tasks.cancelled;
}
