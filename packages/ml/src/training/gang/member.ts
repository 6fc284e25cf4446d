// A task of a gang, in its slot: waits for its place, does its part, and waits again when the formation breaks.
import { FlockError, isFlockError } from "@taskflock/protocol/words";
import { runAsTask, type TaskHere, taskHere } from "../../task-here.ts";
import type { JoinGroup, MemberGroup } from "../member-group.ts";
import { type GangEnd, type GangPlace, isGangWord, type MemberReport } from "./words.ts";

/** A member that was told its place, and is gone before it joins, is missed after so long. */
const JOIN_MS = 15_000;
/** A report that its client could not be told at the moment is left out: that it waits, a member says again. */
const SAY_AGAIN_MS = 2_000;

/**
 * Runs `part` once for each formation that this task is a member of, until one comes to its end. `part` gives the value when it leads (rank 0), else
 * null. What it throws is the task's error, unless a member was lost.
 */
export async function runMember<R>(
  gang: string,
  joinGroup: JoinGroup,
  part: (group: MemberGroup, place: GangPlace) => Promise<R | null>,
): Promise<GangEnd<R>> {
  const here = taskHere();
  if (here === undefined) throw new FlockError("FLOCK_NOT_IN_TASK", "A member of a gang runs as a task.");
  const words = new Words(here);
  for (let after = 0; ; ) {
    const place = await placed(here, words, after);
    after = place.formation;
    try {
      const value = await runAsTask(words.heard(place), () => inFormation(gang, joinGroup, place, part));
      return place.rank === 0 ? { value: value as R } : null;
    } catch (error) {
      here.signal.throwIfAborted();
      if (!isLoss(error)) throw error;
      here.log(`The formation ${place.formation} of ${place.size} ended: ${error.message}`);
    }
  }
}

async function placed(here: TaskHere, words: Words, after: number): Promise<GangPlace> {
  const say = (): void =>
    here.report({ gang: "waits", attempt: here.task.attempt, after } satisfies MemberReport, { quiet: true });
  say();
  const again = setInterval(say, SAY_AGAIN_MS);
  try {
    return await words.place(after);
  } finally {
    clearInterval(again);
  }
}

async function inFormation<R>(
  name: string,
  joinGroup: JoinGroup,
  place: GangPlace,
  part: (group: MemberGroup, place: GangPlace) => Promise<R | null>,
): Promise<R | null> {
  const { rank, size, formation: epoch } = place;
  const group = await joinGroup({ name, rank, size, epoch, timeoutMs: JOIN_MS }).catch((error: unknown) => {
    if (!isFlockError(error, "FLOCK_WAIT_TIMEOUT")) throw error;
    throw new FlockError("FLOCK_GROUP_BROKEN", error.message, { cause: error });
  });
  try {
    return await part(group, place);
  } finally {
    await group.close();
  }
}

function isLoss(error: unknown): error is FlockError {
  return isFlockError(error, "FLOCK_GROUP_BROKEN");
}

/** What the client says: places are for this file, all else is for the part, also what comes before it listens. */
class Words {
  readonly #here: TaskHere;
  #place: GangPlace | null = null;
  #wake: () => void = () => {};
  #early: unknown[] = [];
  readonly #listeners: Set<(value: unknown) => void> = new Set();

  constructor(here: TaskHere) {
    this.#here = here;
    here.onTell((value) => {
      if (isGangWord(value)) {
        this.#place = value;
        this.#wake();
      } else if (this.#listeners.size > 0) for (const hear of this.#listeners) hear(value);
      else this.#early.push(value);
    });
  }

  /** The place in a formation behind `after`. Rejects when the task is cancelled, or its worker is to stop. */
  async place(after: number): Promise<GangPlace> {
    const { signal, retiring } = this.#here;
    for (;;) {
      signal.throwIfAborted();
      retiring.throwIfAborted();
      if (this.#place !== null && this.#place.formation > after) return this.#place;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        for (const one of [signal, retiring]) one.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }

  /** The task as the part sees it. */
  heard(place: GangPlace): TaskHere {
    const { log, report, signal, retiring } = this.#here;
    // What was said to a former formation is said again: to its client each is an attempt.
    const task = { ...this.#here.task, attempt: place.formation };
    const onTell: TaskHere["onTell"] = (hear) => {
      this.#listeners.add(hear);
      for (const value of this.#early.splice(0)) hear(value);
      return () => this.#listeners.delete(hear);
    };
    return { task, log, report, signal, retiring, onTell };
  }
}
