// Under --check-arguments: arena inputs are shared with other tasks, so a task that changes one is told.
import { crc32 } from "node:zlib";
import { FlockError } from "@taskflock/protocol/code";
import { keyOf, type SlotInput, type SlotItem } from "./batch.ts";

/** One per input; 0 for inputs that are the task's own. */
export function checksums(inputs: readonly SlotInput[]): readonly number[] {
  return inputs.map(({ serial, bytes }) => (serial === 0 ? 0 : crc32(bytes)));
}

/** Throws `FLOCK_ARGUMENT_MUTATED`, naming the task, when an input differs from its checksum. */
export function checkUnchanged(item: SlotItem, before: readonly number[]): void {
  const after = checksums(item.inputs);
  const changed = after.findIndex((sum, index) => sum !== before[index]);
  if (changed < 0) return;
  throw new FlockError(
    "FLOCK_ARGUMENT_MUTATED",
    `Task ${keyOf(item)} changed its input ${changed}, which other tasks share; let it work on copy(argument).`,
  );
}
