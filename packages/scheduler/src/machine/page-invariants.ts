// What must hold of what is kept for people who watch.

import type { Core } from "./core.ts";
import { COUNTED, type FunctionRecord } from "./records.ts";
import { FREE, RUNNING, STATE_COUNT, stateNames } from "./states.ts";

export function checkPage(core: Core): string | null {
  const recounted = new Map<FunctionRecord, { counts: number[]; ended: number }>();
  const of = (record: FunctionRecord): { counts: number[]; ended: number } => {
    const known = recounted.get(record) ?? { counts: new Array<number>(STATE_COUNT).fill(0), ended: 0 };
    recounted.set(record, known);
    return known;
  };
  for (const record of core.functions.values()) of(record);
  let running = 0;
  for (const task of core.slots) {
    if (task === null) continue;
    if (task.state === RUNNING) running++;
    if (task.state === RUNNING && !core.begun.has(task)) return `task ${task.id} runs, and nobody knows since when`;
    if (task.definition === null) continue;
    const found = of(task.definition.record);
    found.counts[task.state]!++;
    if ((task.flags & COUNTED) !== 0) found.ended++;
  }
  if (running !== core.begun.size) return `${core.begun.size} tasks are said to run, and ${running} do`;
  for (const [record, { counts, ended }] of recounted) {
    for (let state = FREE + 1; state < STATE_COUNT; state++) {
      if (counts[state] === record.counts[state]) continue;
      return `function ${record.name} counts ${record.counts[state]} ${stateNames[state]}, has ${counts[state]}`;
    }
    const told = record.done + record.failed + record.cancelled;
    if (told < ended) return `function ${record.name} says that ${told} of its tasks ended, and ${ended} did`;
  }
  return null;
}
