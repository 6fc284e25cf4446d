// A defect of the scheduler's machine: the process must end, and say what it knows.

import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Client } from "taskflock";
import { expect, test } from "vitest";
import { startRole } from "./processes.ts";

const dist = (path: string): string => JSON.stringify(new URL(`../../packages/${path}`, import.meta.url).href);

/** Loaded into the scheduler's process: the machine finds itself broken at the first thing that a client says. */
const defect = `
import { FlockError } from ${dist("protocol/dist/words.js")};
import { SchedulerMachine } from ${dist("scheduler/dist/machine.js")};
const { step } = SchedulerMachine.prototype;
SchedulerMachine.prototype.step = function (event) {
  if (event.e === "clientMessages") throw new FlockError("FLOCK_INVARIANT", "Task 7 is broken. Its story: queued -> done");
  step.call(this, event);
};
`;

test("a machine in a state that must not be ends its process: not 0, with the story, and nothing listens any more", async () => {
  const folder = mkdtempSync(join(tmpdir(), "taskflock-defect-"));
  const file = join(folder, "defect.mjs");
  writeFileSync(file, defect);
  try {
    const args = ["scheduler", "--port", "0", "--dashboard-port", "0", "--log-level", "silent"];
    const role = await startRole(args, { env: { NODE_OPTIONS: `--import ${pathToFileURL(file)}` } });
    const exited = once(role.child, "close");
    expect((await fetch(role.ready.dashboard)).status).toBe(200); // a page that is open must not keep the process alive
    const client = await Client.connect(role.ready.address, { reconnectMs: 100, tokenFile: role.ready.tokenFile });
    const asked = client.workers().catch((error: unknown) => error);
    expect(await exited).toEqual([1, null]);
    expect(role.stderr()).toMatch(/^taskflock: Task 7 is broken. Its story: queued -> done \(FLOCK_INVARIANT\)$/m);
    expect(await asked).toMatchObject({ code: "FLOCK_CONNECTION_LOST" });
    await client.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
