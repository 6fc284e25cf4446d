// Which colour is which function: those that took most of the time first.

import { useMemo } from "preact/hooks";
import { overview } from "../../feed/store.ts";
import { colourOf } from "../../ui/colours.ts";
import { duration } from "../../ui/format.ts";
import { useEvery } from "./use-every.ts";

const SHOWN = 12;

export function Legend() {
  const functions = useEvery(overview, 1000)?.functions;
  const longest = useMemo(
    () => [...(functions ?? [])].sort((a, b) => b.spentUs - a.spentUs || a.fn - b.fn),
    [functions],
  );
  return (
    <ul class="stream-legend" aria-label="Functions by the time spent in them">
      {longest.slice(0, SHOWN).map(({ fn, name, spentUs }) => (
        <li key={fn}>
          <span class="swatch" style={{ background: colourOf(name) }} />
          {name} <span class="soft">{duration(spentUs)}</span>
        </li>
      ))}
      {longest.length > SHOWN && <li class="soft">and {longest.length - SHOWN} more, in the table below</li>}
      <li class="soft">× failed</li>
      <li class="soft">pale: runs, or stopped</li>
    </ul>
  );
}
