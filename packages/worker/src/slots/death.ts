// What an item that ended its own slot failed with.
import { type Assign, FlockError } from "@taskflock/protocol";
import type { Ending } from "./executor.ts";

export function deathOf({ key }: Assign, ending: Ending): FlockError {
  if (ending.how === "heap") {
    return new FlockError(
      "FLOCK_TASK_OUT_OF_MEMORY",
      `Task ${key} filled the JavaScript heap of its slot; use less memory, typed arrays, or raise --heap-limit on the worker.`,
    );
  }
  return new FlockError(
    "FLOCK_TASK_EXITED",
    `Task ${key} ended its slot (${ending.what}); it must return or throw instead.`,
  );
}
