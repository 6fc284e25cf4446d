// The fuzz as a whole; each run has another seed, which it says: `npm run fuzz -- --count 200000 --seed N` does the same again.

import { test } from "vitest";
import { fuzz } from "../fuzz/fuzz.ts";
import { expectUnharmed } from "../fuzz/judge.ts";

const COUNT = 200_000;

test("200,000 mutated frames and HTTP requests leave the scheduler up, its memory flat, and the work beside them right", {
  timeout: 900_000,
}, async () => {
  const seed = Date.now() % 2 ** 32;
  console.log(`seed ${seed}`);
  expectUnharmed(await fuzz({ count: COUNT, seed, rounds: 10, log: (line) => console.log(line) }), COUNT);
});
