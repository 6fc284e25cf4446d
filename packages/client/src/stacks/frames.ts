// The text of a stack, taken apart: what stands before the frames, and the place in each.

/** `    at f (FILE:LINE:COLUMN)` and its other forms; a line that has none of them has only a text. */
export interface Frame {
  readonly text: string;
  /** Up to and with what stands before the place: `    at async f (`. */
  readonly before: string;
  /** What stands behind the place: `)`, or nothing. */
  readonly after: string;
  /** A file, path or URL; "" for `<anonymous>`, `native`, `index 0` and the like. */
  readonly file: string;
  /** From 1, as printed. */
  readonly line: number;
  readonly column: number;
}

export interface ParsedStack {
  /** Name and message, which may have several lines. */
  readonly header: string;
  readonly frames: readonly Frame[];
}

const AT = "    at ";

/** Null for what has no frames. `message` is the error's, in which lines may look like frames. */
export function parseStack(stack: string, message: string): ParsedStack | null {
  const found = message === "" ? -1 : stack.indexOf(message);
  const end = stack.indexOf(`\n${AT}`, found < 0 ? 0 : found + message.length);
  if (end < 0) return null;
  return {
    header: stack.slice(0, end),
    frames: stack
      .slice(end + 1)
      .split("\n")
      .map(parseFrame),
  };
}

/** Reads from the end, because names of functions and of folders may hold anything. */
export function parseFrame(text: string): Frame {
  if (!text.startsWith(AT)) return { text, before: text, after: "", file: "", line: 0, column: 0 };
  const open = text.endsWith(")") ? openingOf(text) : -1;
  const start = open >= 0 ? open + 1 : AT.length + (text.startsWith("async ", AT.length) ? "async ".length : 0);
  const end = open >= 0 ? text.length - 1 : text.length;
  return { text, before: text.slice(0, start), after: text.slice(end), ...parsePlace(text.slice(start, end)) };
}

/** Of the bracket that the last character closes: ` (` in front of the place; -1 when there is none. */
function openingOf(text: string): number {
  let depth = 0;
  for (let at = text.length - 1; at > 0; at--) {
    if (text[at] === ")") depth++;
    else if (text[at] === "(" && --depth === 0) return text[at - 1] === " " ? at : -1;
  }
  return -1;
}

interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

const NOWHERE: Place = { file: "", line: 0, column: 0 };

function parsePlace(place: string): Place {
  const beforeColumn = place.lastIndexOf(":");
  const beforeLine = place.lastIndexOf(":", beforeColumn - 1);
  if (beforeLine <= 0) return NOWHERE;
  const line = place.slice(beforeLine + 1, beforeColumn);
  const column = place.slice(beforeColumn + 1);
  if (!/^\d{1,9}$/.test(line) || !/^\d{1,9}$/.test(column)) return NOWHERE;
  return { file: place.slice(0, beforeLine), line: Number(line), column: Number(column) };
}
