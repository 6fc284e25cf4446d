// What a worker does about its process's memory: above one share of its limit results get no more memory (what is used least goes to
// files for them), above another it takes no new tasks. Above a third its nanny ends it (nanny.ts).
import { residentBytes, shownBytes } from "./nanny/memory.ts";

export interface MemoryLimits {
  /** What the process is to stay below, bytes. */
  readonly memoryLimitBytes: number;
  /** Share of it above which the arena does not grow; 0 is never. */
  readonly memorySpill: number;
  /** Share of it above which the worker is paused; 0 is never. */
  readonly memoryPause: number;
}

export interface MemoryActions {
  mayGrow(may: boolean): void;
  pausing(paused: boolean, reason: string): void;
}

export const WATCH_MS = 250;
/** A paused worker goes on this share of the limit below its pause limit: else it would be paused again at once. */
const RESUME_BELOW = 0.05;
/** So many looks in a row nothing ran in a paused worker: waiting frees nothing, so it goes on. */
const IDLE_LOOKS = 4;

export class MemoryWatch {
  readonly #limits: MemoryLimits;
  readonly #actions: MemoryActions;
  #paused = false;
  #idleLooks = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(limits: MemoryLimits, actions: MemoryActions) {
    this.#limits = limits;
    this.#actions = actions;
  }

  /** `isBusy`: whether tasks run. */
  start(isBusy: () => boolean): void {
    const look = async (): Promise<void> => {
      const bytes = await ownBytes();
      if (this.#timer === null) return;
      if (bytes !== null) this.judge(bytes, isBusy());
      this.#timer = setTimeout(look, WATCH_MS).unref();
    };
    this.#timer = setTimeout(look, WATCH_MS).unref();
  }

  /** The process takes so many bytes. */
  judge(bytes: number, busy: boolean): void {
    const { memoryLimitBytes, memorySpill, memoryPause } = this.#limits;
    this.#actions.mayGrow(memorySpill === 0 || bytes <= memoryLimitBytes * memorySpill);
    if (memoryPause === 0) return;
    const shown = `it takes ${shownBytes(bytes)} of ${shownBytes(memoryLimitBytes)}`;
    this.#idleLooks = busy ? 0 : this.#idleLooks + 1;
    if (!this.#paused) {
      // While nothing runs there is nothing to wait for.
      if (busy && bytes > memoryLimitBytes * memoryPause) {
        this.#say(true, `${shown}; no new tasks above ${Math.round(memoryPause * 100)} %`);
      }
    } else if (bytes <= memoryLimitBytes * (memoryPause - RESUME_BELOW)) this.#say(false, shown);
    else if (this.#idleLooks >= IDLE_LOOKS) this.#say(false, `${shown}, and nothing runs that could give some back`);
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #say(paused: boolean, reason: string): void {
    this.#paused = paused;
    this.#actions.pausing(paused, reason);
  }
}

/** With its process slots, where that costs no process of its own. */
async function ownBytes(): Promise<number | null> {
  return process.platform === "linux" ? residentBytes(process.pid) : process.memoryUsage.rss();
}
