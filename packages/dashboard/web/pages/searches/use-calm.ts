// Tables of very many entries are made once a second, not with each message.

import { useEffect, useRef, useState } from "preact/hooks";

/** Below that a table takes a few milliseconds. */
const MANY = 3_000;
const EVERY_MS = 1_000;

/** The list; a long one changes at most once a second, unless it is another's. */
export function useCalm<T>(items: readonly T[]): readonly T[] {
  const kept = useRef({ items, at: 0 });
  const [, drawAgain] = useState(0);
  const age = performance.now() - kept.current.at;
  if (items.length <= MANY || kept.current.items[0] !== items[0] || age >= EVERY_MS) {
    kept.current = { items, at: performance.now() };
  }
  const isOld = kept.current.items !== items;
  useEffect(() => {
    if (!isOld) return;
    const timer = setTimeout(() => drawAgain((turn) => turn + 1), EVERY_MS - age);
    return () => clearTimeout(timer);
  }, [isOld]);
  return kept.current.items;
}
