// Tasks page by page: the first at once and again while things change, older ones when they are asked for.

import type { PageTasks, TaskFilter } from "@taskflock/protocol/words";
import { useEffect, useRef, useState } from "preact/hooks";
import { api, query } from "../../feed/api.ts";
import { overview } from "../../feed/store.ts";
import { goesOn, type Listing, noListing, valuesOf, WANTED, withPage } from "./tasks-model.ts";

export interface TaskListing {
  readonly listing: Listing;
  readonly isBusy: boolean;
  readonly error: unknown;
  more(): void;
  again(): void;
}

/** While one page alone is shown it is asked for so often, when anything has changed. */
const AGAIN_MS = 2000;

interface State {
  readonly key: string;
  readonly listing: Listing;
  readonly isBusy: boolean;
  readonly error: unknown;
}

export function useListing(filter: TaskFilter): TaskListing {
  const key = JSON.stringify(valuesOf(filter));
  const [turn, setTurn] = useState(0);
  const [state, setState] = useState<State>({ key, listing: noListing, isBusy: true, error: null });
  const end = useRef(new AbortController());
  const last = useRef(state);
  last.current = state;
  const read = (from: Listing): void => {
    const { signal } = end.current;
    const set = (change: Partial<State>): void => {
      if (!signal.aborted) setState((old) => ({ ...old, ...change, key }));
    };
    set({ isBusy: true, error: null });
    readOn(filter, from, signal, (listing) => set({ listing })).then(
      () => set({ isBusy: false }),
      (error: unknown) => set({ isBusy: false, error }),
    );
  };
  useEffect(() => {
    end.current = new AbortController();
    read(noListing);
    return () => end.current.abort();
  }, [key, turn]);
  useEffect(() => keepNew(filter, last, end, setState), [key, turn]);
  const isShown = state.key === key;
  return {
    listing: isShown ? state.listing : noListing,
    isBusy: !isShown || state.isBusy,
    error: isShown ? state.error : null,
    more: () => read(state.listing),
    again: () => setTurn((old) => old + 1),
  };
}

function pageAfter(filter: TaskFilter, next: number | null, signal: AbortSignal): Promise<PageTasks> {
  return api.get<PageTasks>(query("tasks", { ...valuesOf(filter), before: next || null, limit: WANTED }), signal);
}

/** Goes on until there is something new to see. */
async function readOn(
  filter: TaskFilter,
  from: Listing,
  signal: AbortSignal,
  onPage: (listing: Listing) => void,
): Promise<void> {
  let listing = from;
  let asked = 0;
  do {
    listing = withPage(listing, await pageAfter(filter, listing.next, signal));
    asked++;
    onPage(listing);
  } while (goesOn(listing, from.rows.length, asked));
}

/** Asks for the first page anew while the cluster works. Further pages stay as they came: rows must not jump under a reader. */
function keepNew(
  filter: TaskFilter,
  last: { readonly current: State },
  end: { readonly current: AbortController },
  setState: (change: (old: State) => State) => void,
): () => void {
  let seen = overview.peek()?.transitions;
  const timer = setInterval(() => {
    const { isBusy, listing, error } = last.current;
    const now = overview.peek()?.transitions;
    if (isBusy || error !== null || listing.pages !== 1 || now === seen || document.hidden) return;
    seen = now;
    pageAfter(filter, 0, end.current.signal).then(
      (page) => setState((old) => (old.listing === listing ? { ...old, listing: withPage(noListing, page) } : old)),
      () => {}, // the next time tells, and the connection's note does
    );
  }, AGAIN_MS);
  return () => clearInterval(timer);
}
