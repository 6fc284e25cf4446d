// How far a number of tasks is, as one bar in parts.

import { number } from "../../ui/format.ts";
import { type Progress, type progressStates, sharesOf, totalOf } from "./status-model.ts";

const words: Readonly<Record<(typeof progressStates)[number], string>> = {
  done: "done",
  failed: "failed",
  cancelled: "cancelled",
  active: "at work",
  queued: "queued",
  waiting: "waiting for inputs",
};

/** In words: "30 done, 2 failed". */
export function progressWords(progress: Progress): string {
  const parts = sharesOf(progress).map(({ state, count }) => `${number(count)} ${words[state]}`);
  return parts.length === 0 ? "no tasks" : parts.join(", ");
}

export function StackedBar({ progress, label }: { readonly progress: Progress; readonly label: string }) {
  const text = progressWords(progress);
  return (
    <div class="stacked" role="img" aria-label={`${label}: ${text} (${number(totalOf(progress))} in all)`} title={text}>
      {sharesOf(progress).map(({ state, share }) => (
        <span key={state} class={`part ${state}`} style={{ width: `${share * 100}%` }} />
      ))}
    </div>
  );
}
