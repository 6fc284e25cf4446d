// A question over REST as a hook: asked again at times, dropped when the view is gone.

import { useEffect, useState } from "preact/hooks";
import { api } from "./api.ts";

export interface Answer<T> {
  /** The last that came; stays while it is asked again, also when that fails. Null before the first, and for another path. */
  readonly value: T | null;
  readonly error: unknown;
  readonly isLoading: boolean;
  reload(): void;
}

interface State<T> {
  readonly path: string | null;
  readonly value: T | null;
  readonly error: unknown;
  readonly isLoading: boolean;
}

/**
 * GET /api/v1/`path`; null asks nothing. With `everyMs` it is asked again so long after each answer, while the page is visible.
 */
export function useAnswer<T>(path: string | null, everyMs: number = 0): Answer<T> {
  const [turn, setTurn] = useState(0);
  const [state, setState] = useState<State<T>>({ path, value: null, error: null, isLoading: path !== null });
  useEffect(() => {
    if (path === null) return;
    const end = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isFirst = true;
    const ask = async (): Promise<void> => {
      clearTimeout(timer);
      const set = (change: Partial<State<T>>): void =>
        setState((old) => ({
          ...(old.path === path ? old : { value: null, error: null }),
          isLoading: false,
          ...change,
          path,
        }));
      if (isFirst || !document.hidden) {
        isFirst = false;
        await api.get<T>(path, end.signal).then(
          (value) => end.signal.aborted || set({ value, error: null }),
          (error: unknown) => end.signal.aborted || set({ error }),
        );
      }
      if (everyMs > 0 && !end.signal.aborted) timer = setTimeout(ask, everyMs);
    };
    const seen = (): void => {
      if (!document.hidden && everyMs > 0) void ask();
    };
    void ask();
    document.addEventListener("visibilitychange", seen);
    return () => {
      document.removeEventListener("visibilitychange", seen);
      end.abort();
      clearTimeout(timer);
    };
  }, [path, everyMs, turn]);
  const current: State<T> = state.path === path ? state : { path, value: null, error: null, isLoading: path !== null };
  return {
    value: current.value,
    error: current.error,
    isLoading: current.isLoading,
    reload: () => setTurn((old) => old + 1),
  };
}
