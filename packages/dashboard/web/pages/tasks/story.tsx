// A task's story as a line of times: when it came into each state, for how long, and why.

import { wallTime } from "../../feed/store.ts";
import { Empty } from "../../ui/basics.tsx";
import { dateTime, duration, time } from "../../ui/format.ts";
import type { StoryStep } from "./task-model.ts";

export function Story({ steps }: { readonly steps: readonly StoryStep[] }) {
  if (steps.length === 0) {
    return (
      <Empty>The scheduler remembers the last transitions of all tasks; those of this one are too long ago.</Empty>
    );
  }
  return (
    <ol class="story">
      {steps.map((step, index) => (
        <Step key={index} step={step} />
      ))}
    </ol>
  );
}

function Step({ step }: { readonly step: StoryStep }) {
  const { at, lasted, text, detail, tone, start, share } = step;
  return (
    <li class={tone}>
      <time title={dateTime(wallTime(at))}>{time(wallTime(at), true)}</time>
      <span>{text}</span>
      <span class="numeric">{lasted === null ? "" : duration(lasted)}</span>
      <span class="bar" aria-hidden="true">
        <span style={{ left: `${start * 100}%`, width: `${share * 100}%` }} />
      </span>
      {detail !== "" && <span class="detail">{detail}</span>}
    </li>
  );
}
