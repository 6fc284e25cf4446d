// A task's story as phases: when it waited, and when and where it ran.

import type { StoryLine } from "@taskflock/protocol/words";

export interface Phase {
  readonly name: "wait" | "run";
  /** µs of the scheduler's clock. */
  readonly from: number;
  readonly to: number;
  /** Which execution, from 1; and its worker, "" for a wait. */
  readonly attempt: number;
  readonly worker: string;
}

const ENDS: ReadonlySet<string> = new Set(["done", "failed", "cancelled"]);

/**
 * A wait before each execution. That a short task began is not always told: then it counts as running since it was assigned. The last
 * phase ends with the task; one that is not over is left out.
 */
export function phasesOf(story: readonly StoryLine[]): Phase[] {
  const phases: Phase[] = [];
  let since = story[0]?.at ?? 0;
  let began: number | null = null;
  let assigned: { readonly at: number; readonly worker: string } | null = null;
  let attempt = 0;
  const close = (to: number): void => {
    if (assigned === null) {
      if (to > since) phases.push({ name: "wait", from: since, to, attempt: attempt + 1, worker: "" });
      return;
    }
    const from = began ?? assigned.at;
    phases.push({ name: "wait", from: since, to: from, attempt, worker: "" });
    phases.push({ name: "run", from, to, attempt, worker: assigned.worker });
  };
  for (const { at, to, detail } of story) {
    if (to === "assigned") {
      assigned = { at, worker: detail };
      began = null;
      attempt++;
    } else if (to === "running") began = at;
    else if (ENDS.has(to)) {
      close(at);
      return phases;
    } else if (assigned !== null) {
      close(at);
      assigned = null;
      since = at;
    }
  }
  return phases;
}
