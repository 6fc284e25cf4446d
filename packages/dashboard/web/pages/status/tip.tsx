// What is said of the attempt under the pointer, or of the one that the keyboard chose.

import type { PageTask } from "@taskflock/protocol/words";
import { useEffect, useState } from "preact/hooks";
import { api } from "../../feed/api.ts";
import { functionNames, schedulerNow, wallTime } from "../../feed/store.ts";
import { colourOf } from "../../ui/colours.ts";
import { duration, time } from "../../ui/format.ts";
import type { TaskStream } from "./stream-model.ts";
import type { Found } from "./visible-bars.ts";

const outcomes = ["done", "failed", "stopped", "running"];
/** A pointer that goes over many bars asks for none of them. */
const REST_MS = 120;
const KEYS_KEPT = 500;

const known = new Map<number, string>();

/** A task's key; "" until it is known. */
function useKey(task: number, given: string): string {
  const [, setKnown] = useState(0);
  const key = given || known.get(task);
  useEffect(() => {
    if (key !== undefined) return;
    const end = new AbortController();
    const ask = async (): Promise<void> => {
      const answer = await api.get<Pick<PageTask, "task">>(`tasks/${task}`, end.signal).catch(() => null);
      if (end.signal.aborted) return;
      if (known.size > KEYS_KEPT) known.clear();
      known.set(task, answer?.task?.key ?? `task ${task} (not remembered any more)`);
      setKnown(task);
    };
    const timer = setTimeout(() => void ask(), REST_MS);
    return () => {
      clearTimeout(timer);
      end.abort();
    };
  }, [task, key]);
  return key ?? "";
}

/** Pixels of the canvas. */
export interface TipPlace {
  readonly x: number;
  readonly y: number;
  /** It stands to the left of `x`. */
  readonly isLeft: boolean;
}

export function Tip({
  bar,
  stream,
  place,
}: {
  readonly bar: Found;
  readonly stream: TaskStream;
  readonly place: TipPlace;
}) {
  const key = useKey(bar.task, bar.key);
  const name = functionNames.value.get(bar.fn) ?? `function ${bar.fn}`;
  const at = stream.rows[bar.row];
  const took = (bar.end ?? schedulerNow()) - bar.start;
  return (
    <div class={place.isLeft ? "stream-tip left" : "stream-tip"} style={{ left: `${place.x}px`, top: `${place.y}px` }}>
      <p class="mono stream-tip-key">{key || "…"}</p>
      <p>
        <span class="swatch" style={{ background: colourOf(name) }} />
        {name}
      </p>
      <p>
        {outcomes[bar.kind]}, {bar.end === null ? "for" : "took"} {duration(took)}, from{" "}
        {time(wallTime(bar.start), true)}
      </p>
      <p class="soft">
        {at?.of.name}, slot {(at?.slot ?? 0) + 1}
      </p>
    </div>
  );
}
