// Watches the overviews of the last seconds for what a single one does not tell: how fast things go.

import type { PageOverview } from "@taskflock/protocol/words";
import { unfinishedOf } from "../rates.ts";
import type { Flow, RunningTask } from "./facts.ts";
import { limitOf } from "./limit-sentence.ts";

/** What is looked at, µs; less than the least tells nothing. */
const WINDOW_US = 3_000_000;
const LEAST_US = 500_000;
/** What was submitted before is no news. */
const SUBMITTED_US = 1_000_000;
/** A sentence stays for so long at least: people read it. */
const CALM_US = 1_000_000;
const SAMPLES = 32;
/** How much the last answer counts. */
const NEW_SHARE = 0.2;

interface Sample {
  readonly at: number;
  readonly ended: number;
  readonly submitted: number;
  readonly unfinished: number;
  readonly movedBytes: number;
  readonly spentUs: number;
  readonly done: number;
  readonly slots: number;
}

/** What else is known, by who looks. */
export interface LimitContext {
  readonly connected: boolean;
  /** Until all is done; null when that is not known. */
  readonly secondsLeft: number | null;
  readonly running: readonly RunningTask[];
}

export class LimitWatch {
  #samples: Sample[] = [];
  #overview: PageOverview | null = null;
  #answerMs = 0;
  #endedAt = 0;
  #said: { readonly text: string; readonly at: number } | null = null;

  overviewCame(overview: PageOverview, answerMs: number): void {
    const before = this.#overview;
    if (before === null || before.ended !== overview.ended || unfinishedOf(before) === 0) this.#endedAt = overview.now;
    this.#answerMs = before === null ? answerMs : this.#answerMs + NEW_SHARE * (answerMs - this.#answerMs);
    this.#overview = overview;
    const last = this.#samples.at(-1);
    if (last !== undefined && overview.now < last.at + WINDOW_US / SAMPLES) return;
    this.#samples.push(sampleOf(overview));
    // One that is older than the window stays: the window begins there.
    while (this.#samples.length > 2 && this.#samples[1]!.at < overview.now - WINDOW_US) this.#samples.shift();
  }

  clear(): void {
    this.#samples = [];
    this.#overview = null;
    this.#said = null;
  }

  sentence(context: LimitContext): string {
    const overview = this.#overview;
    if (!context.connected) {
      this.#said = null;
      return overview === null
        ? "There is no link to the scheduler yet."
        : "The link to the scheduler is lost; what you see is the last that was known.";
    }
    if (overview === null) return "";
    if (this.#said === null || overview.now - this.#said.at >= CALM_US) {
      this.#said = { text: this.#say(overview, context), at: overview.now };
    }
    return this.#said.text;
  }

  #say(overview: PageOverview, { secondsLeft, running }: LimitContext): string {
    const quietSeconds = (overview.now - this.#endedAt) / 1e6;
    const flow = this.#flow(sampleOf(overview));
    return limitOf({ overview, flow, secondsLeft, answerMs: this.#answerMs, quietSeconds, running });
  }

  #flow(now: Sample): Flow | null {
    const first = this.#samples[0];
    if (first === undefined || now.at - first.at < LEAST_US) return null;
    const seconds = (now.at - first.at) / 1e6;
    const perSecond = (key: "ended" | "movedBytes"): number => Math.max(0, now[key] - first[key]) / seconds;
    const lately = this.#samples.findLast(({ at }) => at <= now.at - SUBMITTED_US) ?? first;
    const done = now.done - first.done;
    const spentSeconds = (now.spentUs - first.spentUs) / 1e6;
    // Functions that are forgotten take their sums with them.
    const isKnown = done > 0 && spentSeconds >= 0 && now.slots > 0;
    return {
      endedPerSecond: perSecond("ended"),
      submittedPerSecond: Math.max(0, now.submitted - lately.submitted) / ((now.at - lately.at) / 1e6),
      mostUnfinished: Math.max(...this.#samples.map(({ unfinished }) => unfinished), now.unfinished),
      movedBytesPerSecond: perSecond("movedBytes"),
      computing: isKnown ? spentSeconds / (seconds * now.slots) : null,
      taskSeconds: isKnown ? spentSeconds / done : null,
    };
  }
}

function sampleOf(overview: PageOverview): Sample {
  const { now, ended, movedBytes, functions, slots } = overview;
  let spentUs = 0;
  let done = 0;
  for (const one of functions) {
    spentUs += one.spentUs;
    done += one.done;
  }
  const unfinished = unfinishedOf(overview);
  return { at: now, ended, submitted: ended + unfinished, unfinished, movedBytes, spentUs, done, slots };
}
