// Groups of tasks that send each other bytes: what the code of a member, in its slot, and the worker's main thread say to each other.

import type { WorkerId } from "./ids.ts";

/** Why a group is broken: the member at fault, by rank, and what became of it ("was cancelled"). */
export interface Broken {
  readonly rank: number;
  readonly why: string;
}

/** 0: what members send each other; 1: what all members do together. */
export const groupLanes = [0, 1] as const;
export type GroupLane = (typeof groupLanes)[number];

/** What an array of bytes holds on every supported Node: 4 GiB. */
export const MAX_GROUP_MESSAGE_BYTES: number = 2 ** 32;

/** How a member is found. */
export interface MemberCard {
  /** Its own id, which nobody can guess. */
  readonly member: string;
  /** Of its worker's peer port; "" when nobody can connect to it. */
  readonly address: string;
  /** Its worker, as the scheduler numbers them. */
  readonly worker: WorkerId;
}

/** In which pieces messages travel. */
export interface GroupTerms {
  readonly partBytes: number;
  /** What may be on its way, or lie unreceived, for each other member and lane. */
  readonly windowBytes: number;
  /** The least that a part counts for. */
  readonly leastPartBytes: number;
}

/** From the code of the member of that id; `rank` is the other one's. */
export type FromMember = { readonly member: string } & (
  | { readonly k: "enter"; readonly rank: number; readonly size: number }
  | { readonly k: "dial"; readonly rank: number; readonly to: MemberCard }
  | {
      readonly k: "part";
      readonly rank: number;
      readonly lane: GroupLane;
      /** Of the whole message when this is its first part, else -1. */
      readonly length: number;
      readonly bytes: Uint8Array;
    }
  | { readonly k: "credit"; readonly rank: number; readonly lane: GroupLane; readonly bytes: number }
  | { readonly k: "leave"; readonly broken: Broken | null }
);

/** To the code of the member of that id; `rank` is the other one's. */
export type ToMember = { readonly member: string } & (
  | { readonly k: "entered"; readonly card: MemberCard; readonly terms: GroupTerms }
  | { readonly k: "linked"; readonly rank: number }
  /** `reached`: its worker answered, and the member is not there. */
  | { readonly k: "unlinked"; readonly rank: number; readonly reached: boolean; readonly why: string }
  | {
      readonly k: "part";
      readonly rank: number;
      readonly lane: GroupLane;
      readonly length: number;
      readonly bytes: Uint8Array;
    }
  | { readonly k: "credit"; readonly rank: number; readonly lane: GroupLane; readonly bytes: number }
  /** Nothing more comes from it. */
  | { readonly k: "left"; readonly rank: number; readonly broken: Broken | null }
);
