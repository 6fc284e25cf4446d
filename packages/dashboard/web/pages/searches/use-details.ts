// What clients told of a run: what the feed brings, and before that what the scheduler still has, which can be more than a message holds.

import type { PageDetails } from "@taskflock/protocol/words";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { DetailItem } from "../../../server/details/search-table.ts";
import { api } from "../../feed/api.ts";
import { details } from "../../feed/store.ts";
import { isReport } from "../../frame/report-mode.ts";
import { useCalm } from "./use-calm.ts";

/** Answers that one question is put together from. */
const MOST_ANSWERS = 64;

export interface RunDetailsAnswer {
  /** In their order. */
  readonly items: readonly DetailItem[];
  readonly isLoading: boolean;
  readonly error: unknown;
  /** Asks again for what the feed did not bring. */
  reload(): void;
}

/** Of one run, or (0) of all. */
export function useDetails(run: number): RunDetailsAnswer {
  const { missed } = details.value;
  const live = useCalm(details.value.items);
  const [turn, setTurn] = useState(0);
  const [known, setKnown] = useState<{ run: number; items: readonly DetailItem[]; error: unknown } | null>(null);
  useEffect(() => {
    if (run === 0 || isReport) return;
    const end = new AbortController();
    allOf(run, end.signal).then(
      (items) => end.signal.aborted || setKnown({ run, items, error: null }),
      (error: unknown) => end.signal.aborted || setKnown((old) => ({ run, items: old?.items ?? [], error })),
    );
    return () => end.abort();
    // Again when the feed could not bring all.
  }, [run, missed, turn]);
  const before = known?.run === run ? known : null;
  const items = useMemo(() => merged(before?.items ?? [], run, live), [before, run, live]);
  return {
    items,
    isLoading: run !== 0 && !isReport && before === null && items.length === 0,
    error: before?.error ?? null,
    reload: () => setTurn((old) => old + 1),
  };
}

async function allOf(run: number, signal: AbortSignal): Promise<DetailItem[]> {
  const all: DetailItem[] = [];
  let since = 0;
  for (let answers = 0; answers < MOST_ANSWERS; answers++) {
    const { items, last } = await api.get<PageDetails>(`runs/${run}/details?since=${since}&limit=1000`, signal);
    all.push(...items);
    if (items.length === 0 || last <= since) break;
    since = last;
  }
  return all;
}

function merged(before: readonly DetailItem[], run: number, live: readonly DetailItem[]): readonly DetailItem[] {
  const last = before.at(-1)?.seq ?? 0;
  const first = before[0]?.seq ?? Number.POSITIVE_INFINITY;
  const wanted = live.filter((item) => run === 0 || item.run === run);
  const older = wanted.filter(({ seq }) => seq < first && before.length > 0);
  return [...older, ...before, ...wanted.filter(({ seq }) => seq > last)];
}
