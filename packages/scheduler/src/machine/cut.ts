// Parts of texts that are kept for long.

/** At most so many UTF-16 units of it. The engine keeps all of a text in memory for a part of it: put behind another character, it is copied. */
export function cut(text: string, units: number): string {
  return text.length <= units ? text : ` ${text.slice(0, units)}`.slice(1);
}
