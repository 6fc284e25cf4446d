// What must be true of a fuzz that is over.

import { expect } from "vitest";
import { growth } from "../soak/memory.ts";
import { type Found, missingKinds } from "./fuzz.ts";

export function expectUnharmed(found: Found, count: number): void {
  const { tally, beside, used } = found;
  expect(found.isUp, found.stderr.slice(-3_000)).toBe(true);
  expect(tally.problems).toEqual([]);
  expect(found.complaints).toEqual([]);
  expect(tally.judged).toBeGreaterThanOrEqual(count);
  expect(missingKinds(tally)).toEqual([]);
  expect(beside.wrong).toEqual([]);
  expect(beside.right).toBeGreaterThan(100);
  expect(found.answer).toBe(42);
  expect(found.left).toBe("");
  // The steady client's own session and run, and the code of its functions.
  const { payloads, ...others } = found.leftOver;
  expect(others).toEqual({ tasks: 0, runs: 1, sessions: 1, relays: 0, relays_waiting: 0 });
  expect(payloads).toBeLessThan(10);
  const grown = growth(used);
  expect(grown?.isGrowing, `bytes in use after each round: ${used.join(" ")}`).toBe(false);
}
