// A worker's memory in a row: how full, and how much.

import type { WorkerRow } from "../../feed/worker-rows.ts";
import { bytes, percent } from "../../ui/format.ts";
import { fillOf } from "./workers-model.ts";

export function MemoryCell({ worker }: { readonly worker: WorkerRow }) {
  const fill = fillOf(worker);
  const tone = (fill ?? 0) > 0.95 ? "bad" : (fill ?? 0) > 0.8 ? "warning" : "";
  return (
    <span
      class="memory-cell"
      title={worker.memoryLimitBytes > 0 ? `${percent(fill)} of ${bytes(worker.memoryLimitBytes)}` : "no limit"}
    >
      {fill !== null && (
        <span class="level" aria-hidden="true">
          <span class={`level-fill ${tone}`} style={{ width: `${Math.min(1, fill) * 100}%` }} />
        </span>
      )}
      <span>{bytes(worker.rssBytes)}</span>
    </span>
  );
}
