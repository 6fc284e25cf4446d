// What clients do beside computing: what they ask, share and look at, and when; drawn before the run begins.

import { askErrand } from "./ask-errands.ts";
import type { ClientProcess } from "./client-process.ts";
import { dataErrand } from "./data-errands.ts";
import { equipmentErrand } from "./equipment-errands.ts";
import { Random } from "./random.ts";
import { runErrand } from "./run-errands.ts";
import type { TaskBook } from "./tasks.ts";

export type ErrandKind = "data" | "share" | "ask" | "run" | "equip";

export interface PlannedErrand {
  readonly atUs: number;
  readonly client: string;
  readonly kind: ErrandKind;
  /** Seeds whatever it draws. */
  readonly roll: number;
}

export function drawErrands(random: Random, clients: readonly string[], activeUs: number): PlannedErrand[] {
  const errands: PlannedErrand[] = [];
  for (const client of clients) {
    const some = (kind: ErrandKind, count: number): void => {
      for (let i = count; i > 0; i--) {
        const atUs = random.between(3_000, activeUs + 3_000);
        errands.push({ atUs, client, kind, roll: random.between(0, 2 ** 31) });
      }
    };
    some("data", random.skewed(1, 12) - 1);
    some("share", random.skewed(1, 60) - 1);
    some("ask", random.skewed(1, 16));
    some("equip", random.between(0, 2));
    some("run", random.skewed(1, 5) - 1);
  }
  return errands.sort((a, b) => a.atUs - b.atUs);
}

export function doErrand(client: ClientProcess, { kind, roll }: PlannedErrand, book: TaskBook): void {
  if (!client.isAlive) return;
  const random = new Random(roll);
  if (kind === "data") dataErrand(client, book, random);
  else if (kind === "share") client.sharer.act(random);
  else if (kind === "run") runErrand(client, random);
  else if (kind === "equip") equipmentErrand(client, random);
  else askErrand(client, random);
}
