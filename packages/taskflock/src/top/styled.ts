// Lines for a terminal: pieces of text with a look, cut to a width.

export type Look = "plain" | "bold" | "dim" | "good" | "warn" | "bad";
export type Piece = readonly [text: string, look?: Look];
export type Line = readonly Piece[];

const codes: Readonly<Record<Exclude<Look, "plain">, string>> = {
  bold: "1",
  dim: "2",
  good: "32",
  warn: "33",
  bad: "31",
};

/** No name of somebody's choice breaks a line, or commands the terminal. */
export function tame(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "·");
}

/** At most so wide; what is cut ends in "…". */
export function clip(text: string, width: number): string {
  const characters = [...text];
  if (characters.length <= width) return text;
  return width <= 0 ? "" : `${characters.slice(0, width - 1).join("")}…`;
}

export function widthOf(text: string): number {
  return [...text].length;
}

/** One that is too long is cut. */
export function renderLine(line: Line, width: number, colour: boolean): string {
  let room = width;
  let text = "";
  for (const [piece, look = "plain"] of line) {
    if (room <= 0) break;
    const shown = clip(piece, room);
    room -= widthOf(shown);
    text += colour && look !== "plain" && shown !== "" ? `\u001b[${codes[look]}m${shown}\u001b[0m` : shown;
  }
  return text;
}

/** A sentence in lines, broken between words; the last one is cut. */
export function wrap(text: string, width: number, lines: number): string[] {
  const found: string[] = [];
  let rest = text;
  while (rest !== "" && found.length < lines) {
    const isLast = found.length === lines - 1;
    if (isLast || widthOf(rest) <= width) {
      found.push(clip(rest, width));
      break;
    }
    const at = rest.lastIndexOf(" ", width);
    const end = at > 0 ? at : width;
    found.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  return found;
}

/** `█████░░░░░`. */
export function bar(share: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return "█".repeat(full) + "░".repeat(width - full);
}
