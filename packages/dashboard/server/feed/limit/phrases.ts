// Numbers and names as sentences need them.

/** No sentence is longer. */
export const SENTENCE_UNITS = 160;
/** Of a name, so that there is room for what is said of it. */
const NAME_UNITS = 32;

/** `1 task`, `1,200 tasks`. */
export function count(value: number, noun: string): string {
  return `${number(value)} ${value === 1 ? noun : plural(noun)}`;
}

export function number(value: number): string {
  return value.toLocaleString("en");
}

/** `1 task waits`, `2 tasks wait`: the verb without its s. */
export function counted(value: number, noun: string, verb: string): string {
  return `${count(value, noun)} ${value === 1 ? `${verb}s` : verb}`;
}

export function is(value: number): "is" | "are" {
  return value === 1 ? "is" : "are";
}

/** Per second: two digits are enough. */
export function rate(perSecond: number): string {
  return number(Number(perSecond.toPrecision(2)));
}

/** `400 ms`, `12 s`, `3 min`, `2.5 h`, `3 days`. */
export function duration(seconds: number): string {
  if (seconds <= 0) return "0 s";
  if (seconds < 1e-3) return `${Math.max(1, Math.round(seconds * 1e6))} µs`;
  if (seconds < 1) return `${Math.round(seconds * 1e3)} ms`;
  if (seconds < 99.5) return `${Math.round(seconds)} s`;
  if (seconds < 99.5 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 360) / 10} h`;
  return `${number(Math.round(seconds / 86_400))} days`;
}

/** `350 MB`. */
export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let amount = value;
  let unit = 0;
  while (amount >= 999.5 && unit < units.length - 1) {
    amount /= 1000;
    unit++;
  }
  return `${amount < 9.95 && unit > 0 ? Math.round(amount * 10) / 10 : Math.round(amount)} ${units[unit]}`;
}

/** On one line, and not too long. */
export function name(text: string, units: number = NAME_UNITS): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= units ? line : `${line.slice(0, units - 1).trimEnd()}…`;
}

/** `Both slots`, `All 8 slots`; `The slot`. */
export function all(value: number, noun: string): string {
  if (value === 1) return `The ${noun}`;
  return value === 2 ? `Both ${plural(noun)}` : `All ${count(value, noun)}`;
}

export function sentence(text: string): string {
  return text.length <= SENTENCE_UNITS ? text : `${text.slice(0, SENTENCE_UNITS - 1).trimEnd()}…`;
}

function plural(noun: string): string {
  return `${noun}s`;
}
