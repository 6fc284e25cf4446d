// Places in code that travelled, as they stand in the user's files. The clients that sent the code know them; what no client tells in
// time is shown as it is.

import { setTimeout as pause } from "node:timers/promises";
import { type CodePlace, MAX_CODE_PLACES, type SourcePlace } from "@taskflock/protocol/links";
import type { Observer } from "./observer.ts";

/** Null: not known. Not of code that travelled: null, too. */
export type Sources = (place: CodePlace) => SourcePlace | null;

/** Between the first question, which asks the clients, and the next ones, milliseconds. */
const PAUSES_MS = [50, 150, 500];
/** Of one stack or profile; the first. */
const MAX_PLACES = 4 * MAX_CODE_PLACES;

export async function sourcesOf(observer: Observer, places: readonly CodePlace[]): Promise<Sources> {
  const known = new Map<string, SourcePlace>();
  let missing = [...new Map(places.slice(0, MAX_PLACES).map((place) => [keyOf(place), place])).values()];
  for (const ms of [0, ...PAUSES_MS]) {
    if (missing.length === 0) break;
    if (ms > 0) await pause(ms);
    for (let at = 0; at < missing.length; at += MAX_CODE_PLACES) {
      const asked = missing.slice(at, at + MAX_CODE_PLACES);
      const { value } = await observer.ask({ q: "pagePlaces", places: asked });
      for (const [index, source] of value.entries()) if (source !== null) known.set(keyOf(asked[index]!), source);
    }
    missing = missing.filter((place) => !known.has(keyOf(place)));
  }
  return (place) => known.get(keyOf(place)) ?? null;
}

function keyOf({ code, line, column, name }: CodePlace): string {
  return `${code}:${line}:${column}:${name}`;
}
