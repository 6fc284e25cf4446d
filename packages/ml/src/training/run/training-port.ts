// A training's task seen from inside: what its client and its worker want of it, and what it tells them.

import { FlockError, isFlockError } from "@taskflock/protocol/words";
import { type TaskHere, taskHere } from "../../task-here.ts";
import { isWord, type TrainingReport } from "./report.ts";

/** Epochs of one report: it is bounded, and a run has most of them already. */
const REPORTED_EPOCHS = 500;

export class TrainingPort {
  readonly #here: TaskHere;
  readonly #unhear: () => void;
  #stopAsked = false;
  /** Requests for a checkpoint that were heard and are not answered. */
  #requested = 0;
  #said: TrainingReport;
  /** Epochs of which there is room in a report. */
  #room: number = REPORTED_EPOCHS;

  /** Throws FLOCK_NOT_IN_TASK. */
  static open(): TrainingPort {
    const here = taskHere();
    if (here !== undefined) return new TrainingPort(here);
    const text = "trainTask was called outside a task; client.train submits it.";
    throw new FlockError("FLOCK_NOT_IN_TASK", text);
  }

  private constructor(here: TaskHere) {
    this.#here = here;
    const { attempt, worker } = here.task;
    const nothing = { about: null, epochs: [], backend: null, checkpoint: null, answered: 0, refusal: null };
    this.#said = { training: true, attempt, worker, epochsBefore: 0, checkpointBytes: 0, ...nothing };
    this.#unhear = here.onTell((value) => {
      if (!isWord(value)) return;
      if (value.word === "stop") this.#stopAsked = true;
      else this.#requested = Math.max(this.#requested, value.request);
    });
    this.report({});
  }

  get worker(): string {
    return this.#here.task.worker;
  }

  /** 1 for the first; a task that is begun again goes on from its last checkpoint. */
  get attempt(): number {
    return this.#here.task.attempt;
  }

  /** The client wants the training to end after the batch that runs. */
  get stopAsked(): boolean {
    return this.#stopAsked;
  }

  /** The number of a request for a checkpoint that is to be answered, or null. */
  get request(): number | null {
    return this.#requested > this.#said.answered ? this.#requested : null;
  }

  /** The worker is to stop as planned: the training goes on elsewhere. */
  get isRetiring(): boolean {
    return this.#here.retiring.aborted;
  }

  /** Throws what gives up the task's place. */
  leave(): void {
    this.#here.retiring.throwIfAborted();
  }

  /** Throws when the task was cancelled. */
  ensureWanted(): void {
    this.#here.signal.throwIfAborted();
  }

  get isCancelled(): boolean {
    return this.#here.signal.aborted;
  }

  log(text: string): void {
    this.#here.log(text);
  }

  report(news: Partial<TrainingReport>): void {
    this.#said = { ...this.#said, ...news };
    while (!this.#says(this.#room)) this.#room = Math.floor(this.#room / 2);
  }

  /** False: with so many epochs it is too large; they may have any number of figures. */
  #says(count: number): boolean {
    const { epochs } = this.#said;
    try {
      this.#here.report({ ...this.#said, epochs: epochs.slice(Math.max(0, epochs.length - count)) }, { quiet: true });
      return true;
    } catch (error) {
      if (count > 0 && isFlockError(error, "FLOCK_TOO_LARGE")) return false;
      throw error;
    }
  }

  close(): void {
    this.#unhear();
  }
}
