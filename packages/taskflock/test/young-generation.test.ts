import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const module = fileURLToPath(new URL("../src/roles/young-generation.ts", import.meta.url));

test("room for young objects grows in a process that keeps none, and is left alone once it is there", () => {
  const program = `
    import { growYoungGeneration } from ${JSON.stringify(module)};
    import { getHeapSpaceStatistics } from "node:v8";
    const size = () => getHeapSpaceStatistics().find((s) => s.space_name === "new_space").space_size;
    const before = size();
    const grown = growYoungGeneration();
    const again = growYoungGeneration();
    console.log(JSON.stringify({ before, grown, again }));`;
  const text = execFileSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program], {
    encoding: "utf8",
    timeout: 30_000,
  });
  const { before, grown, again } = JSON.parse(text) as Record<string, number>;
  expect(grown).toBeGreaterThanOrEqual(8 * 1024 * 1024);
  expect(grown).toBeGreaterThan(before!);
  expect(again).toBe(grown);
});
