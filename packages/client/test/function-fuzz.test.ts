// Generated programs: a function that travels computes there what it computes here, or is refused. TASKFLOCK_FUZZ_RUNS raises the
// number of programs, TASKFLOCK_FUZZ_SEED makes others. What fails is made smaller, and printed.
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { type Copies, compare, loadCopies, print, readTogether } from "./fuzz/oracle.ts";
import { generate } from "./fuzz/program.ts";
import { Shipping } from "./ship.ts";

const runs = Number(process.env["TASKFLOCK_FUZZ_RUNS"] ?? 300);
const seed = Number(process.env["TASKFLOCK_FUZZ_SEED"] ?? 1);
const folder = realpathSync(mkdtempSync(join(tmpdir(), "flock-fuzz-")));
afterAll(() => rmSync(folder, { recursive: true }));

/** What one program is made of. */
const choices = fc.array(fc.nat(255), { minLength: 200, maxLength: 700, size: "max" });
/** Several programs, because the engine takes long to give the first text of some. */
const PROGRAMS = 6;
const group = fc.noBias(fc.array(choices, { minLength: PROGRAMS, maxLength: PROGRAMS }));

it(`${runs} generated programs compute the same there, or are refused`, { timeout: 3_600_000 }, async () => {
  const shipping = new Shipping();
  const counts = { same: 0, refused: 0, broken: 0 };
  let unique = 0;
  const load = async (numbers: readonly number[]): Promise<Copies[]> => {
    const name = `${++unique}`;
    const copies = await loadCopies(generate(numbers, `__${name}`), join(folder, name));
    if (copies === undefined) counts.broken++;
    return copies === undefined ? [] : [copies];
  };
  const property = fc.asyncProperty(group, async (all) => {
    const loaded = (await Promise.all(all.map(load))).flat();
    readTogether(loaded, shipping);
    for (const copies of loaded) {
      try {
        counts[await compare(copies, shipping)]++;
      } catch (error) {
        throw new Error(`${error instanceof Error ? error.stack : error}\n${print(copies.program)}`);
      }
    }
  });
  const { failed, errorInstance } = await fc.check(property, { seed, numRuns: Math.ceil(runs / PROGRAMS) });
  if (failed) throw errorInstance;
  // Else the programs would show nothing.
  expect(counts.refused).toBeLessThan(runs * 0.04);
  expect(counts.broken).toBeLessThan(runs * 0.12);
});
