// The list itself: the newest at the end, which it follows while it is scrolled there.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { offsetMs } from "../../feed/store.ts";
import { href } from "../../frame/routes.ts";
import { Badge } from "../../ui/basics.tsx";
import { dateTime, number, time } from "../../ui/format.ts";
import type { Line } from "./events-model.ts";

const STEP = 500;

interface LinesProps {
  readonly lines: readonly Line[];
  readonly follows: boolean;
  readonly isWrapped: boolean;
}

export function Lines({ lines, follows, isWrapped }: LinesProps) {
  const [limit, setLimit] = useState(STEP);
  const box = useRef<HTMLElement>(null);
  const isAtEnd = useRef(true);
  const shown = lines.slice(-limit);
  useLayoutEffect(() => {
    if (follows && isAtEnd.current && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [lines, follows, isWrapped]);
  const look = (): void => {
    if (box.current === null) return; // what was scrolled last is told of after it is gone
    const { scrollTop, scrollHeight, clientHeight } = box.current;
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < 40;
  };
  return (
    <section
      class={isWrapped ? "lines" : "lines long-lines"}
      ref={box}
      onScroll={look}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
      aria-label="Lines"
    >
      {lines.length > shown.length && (
        <button type="button" class="lines-more" onClick={() => setLimit(limit + STEP)}>
          Show more of the {number(lines.length - shown.length)} before
        </button>
      )}
      <ol>
        {shown.map((line) => (
          <OneLine key={line.id} line={line} />
        ))}
      </ol>
    </section>
  );
}

/** It reads a signal, so it is drawn again only when that changes, or its line, which never does. */
function OneLine({ line }: { readonly line: Line }) {
  const wall = line.at / 1000 + offsetMs.value;
  return (
    <li class={line.tone === "neutral" ? undefined : line.tone}>
      <time title={dateTime(wall)} dateTime={new Date(wall).toISOString()}>
        {time(wall, true)}
      </time>
      <span class="who">{line.isWorker ? <a href={href("workers", line.who)}>{line.who}</a> : line.who}</span>
      {line.source === "event" ? <Badge status={line.kind} tone={line.tone} /> : null}
      <span class="text">
        {line.key !== "" && (
          <>
            <a class="key" href={href("tasks", line.key)}>
              {line.key}
            </a>{" "}
          </>
        )}
        {line.text.replace(/\n$/, "")}
      </span>
    </li>
  );
}
