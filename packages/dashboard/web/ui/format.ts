// Numbers, sizes, times and durations as people read them. All are short, and figures of one kind have one width where they can.

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** Stands for what is not known. */
export const UNKNOWN = "–";

/** 1234567 → "1,234,567". */
export function number(value: number | null | undefined): string {
  return value === null || value === undefined || !Number.isFinite(value) ? UNKNOWN : grouped.format(value);
}

/** 1234567 → "1.23 M": where there is little room. */
export function short(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return UNKNOWN;
  const size = Math.abs(value);
  if (size < 1000) return Number.isInteger(value) ? String(value) : digits(value);
  const step = Math.min(4, Math.floor(Math.log10(size) / 3));
  const scaled = digits(value / 1000 ** step);
  // 999,999 is 1.00 M and not 1000 k.
  if (step < 4 && Math.abs(Number(scaled)) >= 1000) return `${digits(value / 1000 ** (step + 1))} ${"kMGT"[step]}`;
  return `${scaled} ${"kMGT"[step - 1]}`;
}

/** Three digits that count: 0.00123, 1.23, 12.3, 123. */
export function digits(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 99.95) return value.toFixed(0);
  if (size >= 9.995) return value.toFixed(1);
  if (size >= 0.9995) return value.toFixed(2);
  return String(Number(value.toPrecision(3)));
}

/** "1 task", "2 tasks", "1,000 tasks". */
export function count(value: number, noun: string, plural: string = `${noun}s`): string {
  return `${number(value)} ${value === 1 ? noun : plural}`;
}

const byteUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** 1536 → "1.50 KiB". */
export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return UNKNOWN;
  let amount = value;
  let unit = 0;
  while (Math.abs(amount) >= 999.5 && unit < byteUnits.length - 1) {
    amount /= 1024;
    unit++;
  }
  return `${unit === 0 ? Math.round(amount) : digits(amount)} ${byteUnits[unit]}`;
}

/** Of µs, from "0 µs" to "12 d 3 h": two units at most. */
export function duration(us: number | null | undefined): string {
  if (us === null || us === undefined || !Number.isFinite(us)) return UNKNOWN;
  const sign = us < 0 ? "−" : "";
  const size = Math.abs(us);
  if (size < 999.5) return `${sign}${Math.round(size)} µs`;
  if (size < 999_500) return `${sign}${digits(size / 1000)} ms`;
  if (size < 59_950_000) return `${sign}${digits(size / 1_000_000)} s`;
  const seconds = Math.round(size / 1_000_000);
  if (seconds < 3600) return sign + twoUnits(seconds, 60, "min", "s");
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return sign + twoUnits(minutes, 60, "h", "min");
  return sign + twoUnits(Math.round(minutes / 60), 24, "d", "h");
}

function twoUnits(value: number, per: number, large: string, small: string): string {
  const rest = value % per;
  return `${grouped.format(Math.floor(value / per))} ${large}${rest === 0 ? "" : ` ${rest} ${small}`}`;
}

/** Of seconds. */
export function seconds(value: number | null | undefined): string {
  return value === null || value === undefined ? UNKNOWN : duration(value * 1_000_000);
}

/** Of seconds: nothing is left where there is nothing to do, and "0 µs" would not say so. */
export function timeLeft(value: number | null | undefined): string {
  return value === 0 ? UNKNOWN : seconds(value);
}

/** 1234.5 → "1.23 k/s"; with a noun "1.23 k tasks/s". */
export function rate(perSecond: number | null | undefined, noun: string = ""): string {
  if (perSecond === null || perSecond === undefined || !Number.isFinite(perSecond)) return UNKNOWN;
  return `${short(perSecond)}${noun === "" ? "" : ` ${noun}`}/s`;
}

/** Bytes per second: "1.50 MiB/s". */
export function byteRate(perSecond: number | null | undefined): string {
  return perSecond === null || perSecond === undefined ? UNKNOWN : `${bytes(perSecond)}/s`;
}

/** A share from 0 to 1 as "45 %"; never "100 %" of what is not whole, nor "0 %" of what is more than nothing. */
export function percent(share: number | null | undefined): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return UNKNOWN;
  const rounded = Math.round(share * 100);
  if (rounded === 100 && share < 1) return "99 %";
  if (rounded === 0 && share > 0) return "< 1 %";
  return `${rounded} %`;
}

const clocks = new Map<string, Intl.DateTimeFormat>();

function clock(zone: string | undefined, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${zone} ${JSON.stringify(options)}`;
  let found = clocks.get(key);
  if (found === undefined) {
    found = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone, hourCycle: "h23" });
    clocks.set(key, found);
  }
  return found;
}

/** Of ms since 1970, in the reader's zone: "14:03:27", or with ms "14:03:27.042". */
export function time(ms: number | null | undefined, withMs: boolean = false, zone?: string): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return UNKNOWN;
  return clock(zone, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    ...(withMs ? { fractionalSecondDigits: 3 } : {}),
  }).format(ms);
}

/** "22 Nov 2026, 14:03:27 UTC+1": the whole, for titles and for what may be of another day. */
export function dateTime(ms: number | null | undefined, zone?: string): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return UNKNOWN;
  return clock(zone, {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "short",
  }).format(ms);
}

/** How long ago, of ms since 1970 and the present: "just now", "5 s ago", "3 min ago", "2 d ago". */
export function ago(ms: number | null | undefined, nowMs: number): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return UNKNOWN;
  const passed = Math.max(0, Math.round((nowMs - ms) / 1000));
  if (passed < 2) return "just now";
  if (passed < 60) return `${passed} s ago`;
  if (passed < 3600) return `${Math.floor(passed / 60)} min ago`;
  return passed < 86_400 ? `${Math.floor(passed / 3600)} h ago` : `${Math.floor(passed / 86_400)} d ago`;
}
