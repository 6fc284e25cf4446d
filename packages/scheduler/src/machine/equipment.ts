// What every worker is to have, present and future: plugins and uploaded files. The scheduler keeps them, in the order in which they came.

import type { GearFailure, GearKind, Micros, PayloadRef, SessionId } from "@taskflock/protocol/words";
import type { FunctionRecord } from "./records.ts";
import type { Worker } from "./worker-record.ts";

/** A client waits until all workers that were there have it. */
export interface GearErrand {
  readonly session: SessionId;
  readonly id: number;
  readonly waiting: Set<Worker>;
  /** By worker: in how many slots it is. */
  readonly workers: Record<string, number>;
  readonly failed: (GearFailure & { readonly worker: string })[];
}

export interface Part {
  readonly data: PayloadRef;
  readonly bytes: number;
}

export interface Gear {
  /** Never used again. */
  readonly id: number;
  readonly kind: GearKind;
  readonly name: string;
  readonly functions: readonly FunctionRecord[];
  readonly parts: readonly Part[];
  readonly bytes: number;
  /** The name of the client. */
  readonly by: string;
  readonly at: Micros;
  /** Null once it is answered: from then on it is kept. */
  errand: GearErrand | null;
}

/** Parts of a file that a client is about to bring. */
export interface Draft {
  readonly parts: Part[];
}

export class Equipment {
  readonly gear: Map<number, Gear> = new Map();
  readonly drafts: Map<SessionId, Map<number, Draft>> = new Map();
  /** Of all parts, drafts included. */
  bytes = 0;
  last = 0;

  /** The newest of that name: while a file is replaced, there are two. */
  find(kind: GearKind, name: string): Gear | null {
    let found: Gear | null = null;
    for (const gear of this.gear.values()) if (gear.kind === kind && gear.name === name) found = gear;
    return found;
  }

  draft(session: SessionId, number: number): Draft | null {
    return this.drafts.get(session)?.get(number) ?? null;
  }

  openDraft(session: SessionId, number: number): Draft {
    const drafts = this.drafts.get(session) ?? new Map<number, Draft>();
    this.drafts.set(session, drafts);
    const draft = drafts.get(number) ?? { parts: [] };
    drafts.set(number, draft);
    return draft;
  }

  /** Its parts are the caller's from now on. */
  takeDraft(session: SessionId, number: number): readonly Part[] {
    const drafts = this.drafts.get(session);
    const parts = drafts?.get(number)?.parts ?? [];
    drafts?.delete(number);
    if (drafts?.size === 0) this.drafts.delete(session);
    return parts;
  }
}
