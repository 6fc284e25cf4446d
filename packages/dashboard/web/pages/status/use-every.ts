// What changes many times a second, as often as a person can read it.

import type { ReadonlySignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";

/** The signal's value, at most once in `everyMs`; the last one always comes. */
export function useEvery<T>(signal: ReadonlySignal<T>, everyMs: number): T {
  const [shown, setShown] = useState<T>(() => signal.peek());
  useEffect(() => {
    let lastAt = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = (): void => {
      timer = undefined;
      lastAt = performance.now();
      setShown(() => signal.peek());
    };
    const stop = signal.subscribe(() => {
      timer ??= setTimeout(show, Math.max(0, lastAt + everyMs - performance.now()));
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [signal, everyMs]);
  return shown;
}
