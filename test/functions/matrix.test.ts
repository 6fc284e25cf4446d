// The same programs, run in every way in which people run TypeScript, on one cluster whose workers live in another folder.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalCluster } from "taskflock";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../../scripts/ensure.mjs";
import { allPrograms, environments, removeWorkplace } from "./environments.ts";
import { type Outcome, runPrograms } from "./run-programs.ts";

it("docs/functions.md lists every program", () => {
  const page = readFileSync(join(root, "docs/functions.md"), "utf8");
  const listed = [...page.matchAll(/\(\.\.\/test\/functions\/programs\/([\w-]+)\.ts\)/g)].map(([, name]) => name);
  expect(listed.toSorted()).toEqual(allPrograms.toSorted());
});

describe("programs that travel", () => {
  const elsewhere = mkdtempSync(join(tmpdir(), "taskflock-functions-"));
  const tokenFile = join(elsewhere, "token");
  let cluster: LocalCluster;

  beforeAll(async () => {
    const before = process.cwd();
    process.chdir(elsewhere); // processes inherit it
    try {
      cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 1 });
    } finally {
      process.chdir(before);
    }
    writeFileSync(tokenFile, cluster.token, { mode: 0o600 });
  });

  afterAll(async () => {
    await cluster.close();
    rmSync(elsewhere, { recursive: true, force: true });
    removeWorkplace();
  });

  describe.each(environments)("from $name", (environment) => {
    let outcome: Outcome;

    beforeAll(async () => {
      outcome = await runPrograms(environment, { address: cluster.address, tokenFile });
    }, 120_000);

    it.for(allPrograms)("%s", (program, { skip }) => {
      const reason = outcome.skipped(program);
      skip(reason !== null, reason ?? "");
      expect(outcome.problemOf(program)).toBeNull();
    });
  });
});
