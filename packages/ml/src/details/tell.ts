// What a search or a training tells people who watch its run: never at its cost.

import { type DetailEntry, detailTexts } from "@taskflock/protocol/words";
import type { RunScope } from "../executor.ts";
import { shortened } from "./readable.ts";

/** `make` is not called where nobody can look. */
export function tell(scope: RunScope, make: () => DetailEntry): void {
  if (scope.details === undefined) return;
  try {
    scope.details([make()]);
  } catch {
    // The work itself goes on: it does not depend on who watches.
  }
}

export function asName(text: string): string {
  return shortened(text, detailTexts.name);
}

export function asLine(text: string): string {
  return shortened(text, detailTexts.line);
}

/** Null for what is not a number. */
export function finiteOrNull(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

/** Of times, which a fold that failed has not. */
export function finiteOr0(value: number): number {
  return Number.isFinite(value) ? value : 0;
}
