// What limits the cluster now, in one sentence of plain words.

import { type LimitFacts, loadOf } from "./facts.ts";
import { sentence } from "./phrases.ts";
import { rules } from "./rules.ts";

export function limitOf(facts: LimitFacts): string {
  const load = loadOf(facts.overview);
  for (const rule of rules) {
    const said = rule(facts, load);
    if (said !== null) return sentence(said);
  }
  return "";
}
