// What happened before the feed began: the feed has the last few hundred lines, a filter may want others.

import type { ClusterEvent, LogEntry, Page } from "@taskflock/protocol/words";
import { useEffect, useState } from "preact/hooks";
import { api, errorText, query } from "../../feed/api.ts";
import { isReport } from "../../frame/report-mode.ts";
import { toast } from "../../ui/toast.tsx";
import type { Filter } from "./events-model.ts";

interface Earlier {
  readonly events: readonly ClusterEvent[];
  readonly logs: readonly LogEntry[];
  readonly isLoading: boolean;
}
const nothing: Earlier = { events: [], logs: [], isLoading: false };

const PAGE = 1000;
const PAGES = 5;

/** All that the scheduler remembers of what the filter names, or of the last minutes; asked when the filter's names change. */
export function useEarlier({ worker, run, key }: Filter): Earlier {
  const [earlier, setEarlier] = useState<Earlier>({ ...nothing, isLoading: true });
  useEffect(() => {
    if (isReport) return setEarlier(nothing); // it has all there is
    const end = new AbortController();
    setEarlier((old) => ({ ...old, isLoading: true }));
    Promise.all([
      pagesOf<ClusterEvent>("events", {}, end.signal),
      pagesOf<LogEntry>("logs", { worker, run, key }, end.signal),
    ]).then(
      ([events, logs]) => end.signal.aborted || setEarlier({ events, logs, isLoading: false }),
      (error: unknown) => {
        if (end.signal.aborted) return;
        setEarlier(nothing);
        toast(`Earlier lines could not be loaded: ${errorText(error)}`, true);
      },
    );
    return () => end.abort();
  }, [worker, run, key]);
  return earlier;
}

/** Page by page, the last few thousand at most. */
async function pagesOf<T extends { readonly seq: number }>(
  path: string,
  filter: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<readonly T[]> {
  const all: T[] = [];
  for (let page = 0; page < PAGES; page++) {
    const since = all.at(-1)?.seq ?? 0;
    const { items } = await api.get<Page<T>>(query(path, { ...filter, since, limit: PAGE }), signal);
    all.push(...items);
    if (items.length < PAGE) break;
  }
  return all;
}
