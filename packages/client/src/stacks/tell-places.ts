// For people who look at a cluster's page: where the code that this client sent stands in its files.

import type { CodePlace, SourcePlace } from "@taskflock/protocol";
import { originalName, originOf } from "./positions.ts";

const MAX_TEXT = 1024;

interface Asks {
  ask(question: { q: "tellPlaces"; places: Told }): Promise<null>;
}
type Told = readonly { readonly of: CodePlace; readonly at: SourcePlace }[];

/** Of those that this client knows; nobody waits for it. */
export function tellPlaces(questions: Asks, wanted: readonly CodePlace[]): void {
  const places = knownPlaces(wanted);
  if (places.length > 0) questions.ask({ q: "tellPlaces", places }).catch(() => {}); // the session is over, and with it the code
}

function knownPlaces(places: readonly CodePlace[]): Told {
  return places.flatMap((of) => {
    const origin = originOf(of.code, of.line - 1, of.column - 1);
    if (origin === "unknown") return [];
    const name = originalName(of.code, of.name).slice(0, MAX_TEXT);
    if (origin === "glue") return [{ of, at: { file: "", line: 0, column: 0, name } }];
    const { file, line, column } = origin;
    return [{ of, at: { file: file.slice(0, MAX_TEXT), line: line + 1, column: column + 1, name } }];
  });
}
