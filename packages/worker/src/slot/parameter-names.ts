// The names of a function's parameters, read from its source. It is a help for people who read an error, so it gives up
// where a real parser would be needed: what it cannot tell has no name.

/** Longer lists of parameters are read as far as this. */
const MAX_CHARACTERS = 2000;
const IDENTIFIER = /^(?:\.\.\.)?\s*([\p{ID_Start}$_][\p{ID_Continue}$]*)/u;
const SINGLE = /^(?:async\s+)?([\p{ID_Start}$_][\p{ID_Continue}$]*)\s*=>/u;

/** By position; "" for a pattern (`{ a, b }`) and where the source does not tell. */
export function parameterNames(fn: unknown): readonly string[] {
  if (typeof fn !== "function") return [];
  const source = Function.prototype.toString.call(fn).slice(0, MAX_CHARACTERS);
  const single = SINGLE.exec(source)?.[1];
  if (single !== undefined) return [single];
  if (source.startsWith("class")) return [];
  return listedAfter(source, source.indexOf("(") + 1).map((part) => IDENTIFIER.exec(part)?.[1] ?? "");
}

/** What stands between the commas of the list that begins at `start`, without comments. */
function listedAfter(source: string, start: number): string[] {
  if (start === 0) return [];
  const parts = [""];
  let depth = 0;
  for (let at = start; at < source.length; at++) {
    const end = endOfSkipped(source, at);
    if (end > at) {
      at = end - 1;
      continue;
    }
    const character = source[at]!;
    if ("([{".includes(character)) depth++;
    else if (")]}".includes(character) && --depth < 0) break;
    if (character === "," && depth === 0) parts.push("");
    else if (parts.at(-1) !== "" || character.trim() !== "") parts[parts.length - 1] += character;
  }
  if (parts.at(-1) === "") parts.pop(); // no parameters, or a comma at the end
  return parts;
}

/** Behind the comment or text that begins at `at`; `at` when none does. */
function endOfSkipped(source: string, at: number): number {
  const two = source.slice(at, at + 2);
  if (two === "/*" || two === "//") {
    const close = two === "/*" ? "*/" : "\n";
    const end = source.indexOf(close, at + 2);
    return end < 0 ? source.length : end + close.length;
  }
  const quote = source[at]!;
  if (!"\"'`".includes(quote)) return at;
  for (let end = at + 1; end < source.length; end++) {
    if (source[end] === "\\") end++;
    else if (source[end] === quote) return end + 1;
  }
  return source.length;
}
