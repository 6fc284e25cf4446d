// An inline executor that keeps what its runs tell, as the scheduler would be told it.

import { type DetailEntry, isDetailEntry } from "@taskflock/protocol";
import { type Executor, InlineExecutor, type RunScope } from "../src/index.ts";

export class TellingExecutor extends InlineExecutor {
  readonly told: DetailEntry[] = [];
  /** What was not well-formed. */
  readonly refused: unknown[] = [];
  /** How many entries were there when the run closed; -1: it did not. */
  toldAtClose = -1;

  of<E extends DetailEntry["e"]>(e: E): Extract<DetailEntry, { e: E }>[] {
    return this.told.filter((entry): entry is Extract<DetailEntry, { e: E }> => entry.e === e);
  }

  override openRun(name: string, total: number): { readonly executor: Executor; readonly scope: RunScope } {
    const { scope } = super.openRun(name, total);
    return {
      executor: this,
      scope: {
        ...scope,
        details: (entries) => {
          for (const entry of entries) (isDetailEntry(entry) ? this.told : this.refused).push(entry as DetailEntry);
        },
        close: () => {
          this.toldAtClose = this.told.length;
        },
      },
    };
  }
}
