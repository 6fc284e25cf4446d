// What the tasks of a gang and their client say to each other.

/** A member waits to be told its place: it has just begun, or its formation is broken. */
export interface MemberReport {
  readonly gang: "waits";
  /** Of the task. */
  readonly attempt: number;
  /** The formation it was in last; 0: none. */
  readonly after: number;
}

/** A place in a formation. */
export interface GangPlace {
  /** 1 for the first; what is left of older ones cannot disturb. */
  readonly formation: number;
  readonly rank: number;
  readonly size: number;
}

export type GangWord = GangPlace & { readonly gang: "form" };

/** What a task of a gang ends with: a value from the member that led, null from the others. */
export type GangEnd<R> = { readonly value: R } | null;

export function isMemberReport(value: unknown): value is MemberReport {
  return isOf(value, "waits");
}

export function isGangWord(value: unknown): value is GangWord {
  return isOf(value, "form");
}

function isOf(value: unknown, gang: string): boolean {
  return typeof value === "object" && value !== null && "gang" in value && value.gang === gang;
}
