// Small results are kept by the scheduler up to a budget; above it workers are told to keep theirs.

import type { Core } from "./core.ts";

export function watchInlineBudget(core: Core): void {
  const { inlineBudgetBytes, inlineLimitBytes } = core.config;
  const limited = core.limited ? core.inlineBytes > (inlineBudgetBytes * 3) / 4 : core.inlineBytes > inlineBudgetBytes;
  if (limited === core.limited) return;
  core.limited = limited;
  const message = { t: "configure", inlineLimitBytes: limited ? 0 : inlineLimitBytes } as const;
  for (const worker of core.workers.values()) core.send(worker, message);
}
