// Figures as people read them.

/** `340 µs`, `12 ms`, `3.2 s`, `4 min`, `2.5 h`. */
export function sayTime(us: number): string {
  if (us < 1_000) return `${Math.max(0, Math.round(us))} µs`;
  if (us < 1_000_000) return `${round(us / 1_000)} ms`;
  if (us < 120_000_000) return `${round(us / 1_000_000)} s`;
  return us < 7_200_000_000 ? `${round(us / 60_000_000)} min` : `${round(us / 3_600_000_000)} h`;
}

/** `800 B`, `12 kB`, `1.5 GB`. */
export function sayBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${round(bytes / 1_000)} kB`;
  return bytes < 1_000_000_000 ? `${round(bytes / 1_000_000)} MB` : `${round(bytes / 1_000_000_000)} GB`;
}

/** `1 task`, `12 tasks`. */
export function sayCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function round(value: number): number {
  return value < 10 ? Math.round(value * 10) / 10 : Math.round(value);
}
