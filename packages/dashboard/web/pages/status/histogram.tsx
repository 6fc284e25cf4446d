// How very many workers are spread, as bars with their counts.

import { count } from "../../ui/format.ts";
import type { Bin } from "./status-model.ts";

export function Histogram(props: {
  readonly bins: readonly Bin[];
  readonly label: string;
  readonly binText: (bin: Bin) => string;
}) {
  const { bins, label, binText } = props;
  const most = Math.max(1, ...bins.map((bin) => bin.count));
  return (
    <ul class="histogram" aria-label={label}>
      {bins.map((bin) => (
        <li key={bin.from} title={`${binText(bin)}: ${count(bin.count, "worker")}`}>
          <span class="histogram-bar" style={{ height: `${(bin.count / most) * 100}%` }} />
          <span class="histogram-count">{bin.count > 0 ? bin.count : ""}</span>
          <span class="for-readers">
            {binText(bin)}: {count(bin.count, "worker")}
          </span>
        </li>
      ))}
    </ul>
  );
}
