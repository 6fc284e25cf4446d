// Puts a report's data into the page that shows it. The data come from tasks and their names: nothing in them may end the element that
// they stand in, or be taken for markup.

import { FlockError } from "@taskflock/protocol/words";
import type { ReportData } from "./report-data.ts";

/** Where the data belong in the template; the build leaves it there once. */
export const PLACE = '"TASKFLOCK-REPORT"';

const escapes: Readonly<Record<string, string>> = {
  "<": "\\u003c",
  ">": "\\u003e",
  "&": "\\u0026",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029",
};

/** JSON that can stand in a `script` element: it has no `<`, `>` or `&`, so neither `</script` nor `<!--`. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => escapes[character] ?? "");
}

/** The whole file. Throws FLOCK_INTERNAL when the template has no place for data. */
export function reportHtml(template: string, data: ReportData): string {
  const at = template.indexOf(PLACE);
  if (at < 0 || template.indexOf(PLACE, at + 1) >= 0) {
    throw new FlockError("FLOCK_INTERNAL", "The report's template is damaged: install or build Taskflock again.");
  }
  return template.slice(0, at) + scriptJson(data) + template.slice(at + PLACE.length);
}
