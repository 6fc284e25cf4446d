import type { ScaleDemand } from "@taskflock/client";

const RESOURCE_UNIT = 10_000;

/** True when workers that all have these resources can run such tasks. */
export function serves(
  has: Readonly<Record<string, number>>,
  { resources, workers }: Pick<ScaleDemand, "resources" | "workers">,
): boolean {
  return (
    workers.length === 0 &&
    Object.entries(resources).every(([name, amount]) => amount <= (has[name] ?? 0) * RESOURCE_UNIT)
  );
}
