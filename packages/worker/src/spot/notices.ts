// What the instance metadata service says of the end of a spot instance, and what follows from it. No clock, no network.

/** The instance is taken away. */
export interface SpotEnd {
  /** As the service names it: terminate, stop or hibernate. */
  readonly action: string;
  /** When, milliseconds since 1970. */
  readonly at: number;
}

/** What a notice means for a worker. */
export interface SpotPlan {
  /** The worker is to be gone after so long, milliseconds. */
  readonly withinMs: number;
  /** Why it retires, and what is said of the notice: for the event log. */
  readonly reason: string;
  readonly text: string;
}

/** The notice comes so long before the end, as a rule. */
const USUAL_NOTICE_MS = 120_000;

/** Null: that is no notice. One without a time that can be read counts from now, with the usual two minutes. */
export function readEnd(text: string, nowMs: number): SpotEnd | null {
  const { action, time } = fieldsOf(text);
  if (typeof action !== "string" || action === "" || action === "none") return null;
  const at = typeof time === "string" ? Date.parse(time) : Number.NaN;
  return { action: action.slice(0, 40), at: Number.isFinite(at) ? at : nowMs + USUAL_NOTICE_MS };
}

/** When it was recommended to leave, as the service says it; null: it was not. */
export function readRebalance(text: string): string | null {
  const { noticeTime } = fieldsOf(text);
  return typeof noticeTime === "string" && noticeTime !== "" ? noticeTime.slice(0, 40) : null;
}

/** It leaves `marginMs` before the end; where that is more than half of what is left, at half of it. */
export function planFor({ action, at }: SpotEnd, nowMs: number, marginMs: number): SpotPlan {
  const leftMs = Math.max(0, at - nowMs);
  const withinMs = leftMs - Math.min(marginMs, leftMs / 2);
  const end = `the instance ends at ${clockTime(at)} (${action})`;
  return {
    withinMs,
    reason: `spot notice, ${end}`,
    text: `spot notice: ${end}; the worker retires, and is gone by ${clockTime(nowMs + withinMs)}`,
  };
}

/** 12:34:56 UTC */
export function clockTime(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? "an unknown time" : `${date.toISOString().slice(11, 19)} UTC`;
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
