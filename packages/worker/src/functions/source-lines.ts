// The text of a line of code that came over the wire: an error's stack names a place in it, and who reads the error elsewhere does not
// have the code.

/** As many as a slot keeps functions (load-function.ts). */
const MAX_KEPT = 512;
const PLACE = /(taskflock:[^\s():]+):(\d{1,9}):(\d{1,9})/;
/** Characters of a line: generated code may be one line. */
const MAX_LINE = 200;
const MAX_BEFORE = 80;

/** Compiled code by the name that stacks give it. The engine has the text anyway, and gives it when it is asked. */
const kept = new Map<string, object>();

export function keepSource(script: string, compiled: object): void {
  kept.delete(script);
  kept.set(script, compiled);
  if (kept.size > MAX_KEPT) kept.delete(kept.keys().next().value ?? "");
}

/** The line that threw, or called what threw, without what is around it in a very long one; "" when it is not known. Never throws. */
export function thrownLine(error: unknown): string {
  try {
    const [, script = "", line, column] = PLACE.exec(String((error as Error).stack)) ?? [];
    const compiled = kept.get(script);
    if (compiled === undefined) return "";
    // The engine puts a line in front: `function (parameters) {`.
    const text = Function.prototype.toString.call(compiled).split("\n")[Number(line)] ?? "";
    return excerpt(text, Number(column) - 1).trim();
  } catch {
    return ""; // a getter of the user's that throws
  }
}

function excerpt(text: string, at: number): string {
  if (text.length <= MAX_LINE) return text;
  const start = Math.max(0, Math.min(at - MAX_BEFORE, text.length - MAX_LINE));
  const end = start + MAX_LINE;
  return `${start > 0 ? "…" : ""}${text.slice(start, end)}${end < text.length ? "…" : ""}`;
}
