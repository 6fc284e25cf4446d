// What a worker and its tasks printed, live; and what happened to it.

import type { ClusterEvent, LogEntry, Page } from "@taskflock/protocol/words";
import { useEffect, useRef, useState } from "preact/hooks";
import { api, query } from "../../feed/api.ts";
import { events, overview, wallTime } from "../../feed/store.ts";
import { useAnswer } from "../../feed/use-answer.ts";
import { href } from "../../frame/routes.ts";
import { Empty, Section } from "../../ui/basics.tsx";
import { dateTime, time } from "../../ui/format.ts";
import { kindInWords } from "../events/events-model.ts";
import { eventsOf, moreOf } from "./workers-model.ts";

const LINES_KEPT = 300;
/** How far back the first question looks. */
const LINES_BACK = 20_000;
const EVENTS_BACK = 1000;
const AT_ONCE = 1000;
const ASKED_MS = 1000;

/** The last lines of a worker, asked for again and again. */
function useLog(name: string): readonly LogEntry[] | null {
  const [lines, setLines] = useState<readonly LogEntry[] | null>(null);
  useEffect(() => {
    const end = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let since = Math.max(0, (overview.peek()?.lastLine ?? 0) - LINES_BACK);
    setLines(null);
    const ask = async (): Promise<void> => {
      let isMore = false;
      try {
        const path = query("logs", { worker: name, since, limit: AT_ONCE });
        const { items } = await api.get<Page<LogEntry>>(path, end.signal);
        since = items.at(-1)?.seq ?? since;
        isMore = items.length === AT_ONCE;
        setLines((before) => moreOf(before ?? [], items, LINES_KEPT));
      } catch {
        // The connection's state is told in the header; the next try comes.
      }
      if (!end.signal.aborted) timer = setTimeout(ask, isMore ? 0 : ASKED_MS);
    };
    void ask();
    return () => {
      end.abort();
      clearTimeout(timer);
    };
  }, [name]);
  return lines;
}

export function WorkerLog({ name }: { readonly name: string }) {
  const lines = useLog(name);
  const box = useRef<HTMLElement>(null);
  const isAtEnd = useRef(true);
  useEffect(() => {
    if (box.current !== null && isAtEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);
  const last = lines?.at(-1)?.seq;
  return (
    <Section title="Log" tools={<a href={`${href("events")}?worker=${encodeURIComponent(name)}`}>events and logs</a>}>
      <section
        class="worker-log"
        ref={box}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        aria-label={`What ${name} printed`}
        data-last={last}
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
          isAtEnd.current = scrollTop + clientHeight >= scrollHeight - 20;
        }}
      >
        {lines === null && <p class="soft">Loading …</p>}
        {lines?.length === 0 && <p class="soft">It has printed nothing.</p>}
        {lines?.map(({ seq, at, key, stream, text }) => (
          <p key={seq} class={stream === "stderr" && key !== "" ? "line err" : "line"}>
            <span class="soft">{time(wallTime(at), true)}</span> {key !== "" && <span class="soft">[{key}]</span>}{" "}
            {text}
          </p>
        ))}
      </section>
    </Section>
  );
}

export function WorkerEvents({ name }: { readonly name: string }) {
  // Once: what happens later comes with the feed.
  const [from] = useState(() => Math.max(0, (overview.peek()?.lastEvent ?? 0) - EVENTS_BACK));
  const { value } = useAnswer<Page<ClusterEvent>>(query("events", { since: from, limit: EVENTS_BACK }));
  const shown = eventsOf(name, value?.items ?? [], events.value.items).slice(0, 50);
  return (
    <Section title="Events">
      {shown.length === 0 ? (
        <Empty>Nothing is remembered of it.</Empty>
      ) : (
        <ul class="worker-events">
          {shown.map(({ seq, at, kind, text }) => (
            <li key={seq}>
              <span class="soft" title={dateTime(wallTime(at))}>
                {time(wallTime(at))}
              </span>{" "}
              {kindInWords(kind)}
              {text !== "" && `: ${text}`}
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}
