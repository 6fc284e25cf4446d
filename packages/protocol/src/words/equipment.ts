// What every worker has, present and future: plugins, which run in each of its slots, and files, which tasks find there.

import type { FunctionId, FunctionNumber, PayloadRef } from "./ids.ts";

export type GearKind = "plugin" | "file";

/** One part of a plugin or file; the next comes once this one was taken in. A plugin has one: its encoded functions. */
export interface Equip {
  readonly t: "equip";
  /** Never used again. */
  readonly gear: number;
  readonly kind: GearKind;
  readonly name: string;
  /** Code of a plugin's functions, by the index that its data knows. */
  readonly functions: readonly FunctionId[];
  readonly part: number;
  readonly parts: number;
  readonly data: PayloadRef;
  readonly dataBytes: number;
}
/** It is wanted no more. */
export interface Unequip {
  readonly t: "unequip";
  readonly gear: number;
}

/** Why a worker could not take something in: what was thrown there. */
export interface GearFailure {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
}
/**
 * A part was taken in; of the last one: it is there, in all slots that there are. Or it failed: then no more of it is expected. Said once
 * more when it fails in a slot that begins later.
 */
export interface Equipped {
  readonly t: "equipped";
  readonly gear: number;
  readonly part: number;
  /** In how many threads and processes of its slots a plugin's setup ran. */
  readonly slots: number;
  readonly failure: GearFailure | null;
}
/** Of a snapshot: how many parts have arrived. */
export interface HeldGear {
  readonly gear: number;
  readonly parts: number;
}

export type EquipmentQuestion =
  /** One part more of a file that is to be kept: answered when the scheduler has it. Numbers of drafts are the client's. */
  | {
      readonly q: "filePart";
      readonly draft: number;
      readonly part: number;
      readonly data: PayloadRef;
      readonly dataBytes: number;
    }
  /** Brings it to all workers, and answers when they have it. A file's parts are those of its draft, a plugin's data comes along. */
  | {
      readonly q: "equip";
      readonly kind: GearKind;
      readonly name: string;
      readonly override: boolean;
      readonly draft: number;
      readonly functions: readonly FunctionNumber[];
      readonly data: PayloadRef;
      readonly dataBytes: number;
    }
  | { readonly q: "unequip"; readonly kind: GearKind; readonly name: string }
  | { readonly q: "equipment"; readonly kind: GearKind };

/** What became of it on the workers that were there. */
export interface GearOutcome {
  /** By the names of workers that have it: in how many slots its setup ran. */
  readonly workers: Readonly<Record<string, number>>;
  /** Where it failed; then it was not kept. */
  readonly failed: readonly (GearFailure & { readonly worker: string })[];
}

export interface GearFacts {
  readonly name: string;
  readonly bytes: number;
  /** The name of the client. */
  readonly by: string;
  readonly agoMs: number;
  /** Names of the workers that have it. */
  readonly workers: readonly string[];
}

export interface EquipmentAnswers {
  readonly filePart: null;
  readonly equip: GearOutcome;
  readonly unequip: null;
  readonly equipment: readonly GearFacts[];
}
