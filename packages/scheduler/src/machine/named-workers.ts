// Workers by the names that people use.

import type { Core } from "./core.ts";
import type { QuestionAnswer } from "./records.ts";
import type { Worker } from "./worker-record.ts";

/** Those of these names that `counts`, in the order in which they came. */
export function namedWorkers(
  core: Core,
  names: readonly string[],
  counts: (worker: Worker) => boolean = () => true,
): Worker[] {
  const wanted = new Set(names);
  return [...core.workers.values()].filter((worker) => wanted.has(worker.name) && counts(worker));
}

/** What to answer when not all of them were found; null when they were. */
export function notFound(names: readonly string[], found: readonly Worker[], orElse = ""): QuestionAnswer | null {
  const there = new Set(found.map(({ name }) => name));
  const unknown = names.filter((name) => !there.has(name));
  if (unknown.length === 0) return null;
  const message = `No worker is named ${listed(unknown)}${orElse}; \`client.workers()\` and \`taskflock status\` list those that are there.`;
  return { value: null, error: { code: "FLOCK_WORKER_UNKNOWN", message } };
}

/** For a message: names are the users', of any number. */
export function listed(names: readonly string[]): string {
  return names.join(", ").slice(0, 1024);
}
