// What happened before the feed began: the feed has the last few hundred lines, a filter may want others.

import type { ClusterEvent, LogEntry, Page } from "@taskflock/protocol/words";
import { useEffect, useState } from "preact/hooks";
import { api, errorText, query } from "../../feed/api.ts";
import { overview } from "../../feed/store.ts";
import { isReport } from "../../frame/report-mode.ts";
import { toast } from "../../ui/toast.tsx";
import type { Filter } from "./events-model.ts";

interface Earlier {
  readonly events: readonly ClusterEvent[];
  readonly logs: readonly LogEntry[];
  readonly isLoading: boolean;
}
const nothing: Earlier = { events: [], logs: [], isLoading: false };

/** What the server takes, and so many pages at most. */
const PAGE = 1000;
const PAGES = 20;
/** What is kept of what was found. */
const KEPT = 5000;
/** How far back it looks when nothing is named. */
const BACK = 1000;

/** All that the scheduler remembers of what the filter names, or the last thousand; asked when the filter's names change. */
export function useEarlier({ worker, run, key }: Filter): Earlier {
  const [earlier, setEarlier] = useState<Earlier>({ ...nothing, isLoading: true });
  const isReady = overview.value !== null;
  useEffect(() => {
    if (isReport) return setEarlier(nothing); // it has all there is
    if (!isReady) return;
    const end = new AbortController();
    setEarlier((old) => ({ ...old, isLoading: true }));
    const { lastEvent, lastLine } = overview.peek()!;
    const isNamed = worker !== "" || run !== "" || key !== "";
    const from = (last: number): number => (isNamed ? 0 : Math.max(0, last - BACK));
    Promise.all([
      pagesOf<ClusterEvent>("events", {}, from(lastEvent), end.signal),
      pagesOf<LogEntry>("logs", { worker, run, key }, from(lastLine), end.signal),
    ]).then(
      ([events, logs]) => end.signal.aborted || setEarlier({ events, logs, isLoading: false }),
      (error: unknown) => {
        if (end.signal.aborted) return;
        setEarlier(nothing);
        toast(`Earlier lines could not be loaded: ${errorText(error)}`, true);
      },
    );
    return () => end.abort();
  }, [worker, run, key, isReady]);
  return earlier;
}

/** Page by page, until one is empty: the server makes pages of long lines shorter. */
async function pagesOf<T extends { readonly seq: number }>(
  path: string,
  filter: Readonly<Record<string, string>>,
  from: number,
  signal: AbortSignal,
): Promise<readonly T[]> {
  let all: readonly T[] = [];
  for (let page = 0; page < PAGES; page++) {
    const since = all.at(-1)?.seq ?? from;
    const { items } = await api.get<Page<T>>(query(path, { ...filter, since, limit: PAGE }), signal);
    if (items.length === 0) break;
    all = [...all, ...items].slice(-KEPT);
  }
  return all;
}
