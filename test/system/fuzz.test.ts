// The quick part of the fuzz; `npm run test:system` does 200,000, and `npm run fuzz` as many as one likes.

import { test } from "vitest";
import { fuzz } from "../fuzz/fuzz.ts";
import { expectUnharmed } from "../fuzz/judge.ts";

const COUNT = 20_000;

test("20,000 mutated frames and HTTP requests leave the scheduler up, its memory flat, and the work beside them right", {
  timeout: 300_000,
}, async () => {
  expectUnharmed(await fuzz({ count: COUNT, seed: 20_261_122, rounds: 5, log: (line) => console.log(line) }), COUNT);
});
