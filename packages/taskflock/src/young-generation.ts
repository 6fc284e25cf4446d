// How much the processes of a cluster may allocate before V8 collects young objects, for the sake of the slowest calls.

/** V8 begins with 1 MiB, and each collection stops a process for some 0.4 ms: one call of a hundred met one. */
const SEMI_SPACE_MIB = 16;

/** Flags of Node for a process of the cluster; none where the person who started this one has said how much. */
export function youngGeneration(given: readonly string[] = []): string[] {
  if (given.some((flag) => /semi[-_]space/.test(flag))) return [];
  return [`--min-semi-space-size=${SEMI_SPACE_MIB}`];
}
