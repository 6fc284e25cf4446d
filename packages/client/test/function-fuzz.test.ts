// Generated programs: a function that travels computes there what it computes here, or is refused. TASKFLOCK_FUZZ_RUNS raises the
// number of programs, TASKFLOCK_FUZZ_SEED makes others. A program that fails is made smaller, and printed.
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { compare, print, type Verdict } from "./fuzz/oracle.ts";
import { generate } from "./fuzz/program.ts";
import { Shipping } from "./ship.ts";

const runs = Number(process.env["TASKFLOCK_FUZZ_RUNS"] ?? 300);
const seed = Number(process.env["TASKFLOCK_FUZZ_SEED"] ?? 1);
const folder = realpathSync(mkdtempSync(join(tmpdir(), "flock-fuzz-")));
afterAll(() => rmSync(folder, { recursive: true }));

const choices = fc.noBias(fc.array(fc.nat(255), { minLength: 200, maxLength: 700, size: "max" }));

it(`${runs} generated programs compute the same there, or are refused`, { timeout: 3_600_000 }, async () => {
  const shipping = new Shipping();
  const counts: Record<Verdict, number> = { same: 0, refused: 0, broken: 0 };
  let programs = 0;
  const property = fc.asyncProperty(choices, async (numbers) => {
    programs++;
    try {
      counts[await compare(numbers, shipping, folder, programs)]++;
    } catch (error) {
      const text = print(generate(numbers, `__${programs}`));
      throw new Error(`${error instanceof Error ? error.stack : error}\n${text}`);
    }
  });
  const { failed, errorInstance } = await fc.check(property, { seed, numRuns: runs });
  if (failed) throw errorInstance;
  // Else the programs would show nothing.
  expect(counts.refused).toBeLessThan(runs * 0.04);
  expect(counts.broken).toBeLessThan(runs * 0.12);
});
