// A start over ssh that is given up, with a host that answers nothing: in place of ssh stands a program that says who it is, and waits.
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { expect, test, vi } from "vitest";
import { SshCluster } from "../src/ssh/ssh-cluster.ts";

test("nothing is left of it, and nothing is begun after it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "taskflock-ssh-"));
  const [pidFile, begun] = [join(folder, "pid"), join(folder, "begun")];
  writeFileSync(join(folder, "ssh"), `#!/bin/sh\necho $$ >"${pidFile}"\nexec sleep 600\n`);
  chmodSync(join(folder, "ssh"), 0o755);
  const starting = SshCluster.start({
    ...{ hosts: ["one"], version: "1.2.3", startTimeoutMs: 1_000 },
    roleCommand: { command: "touch", args: [begun] },
    env: { PATH: `${folder}${delimiter}${process.env["PATH"]}` },
  });
  await expect(starting).rejects.toMatchObject({ code: "FLOCK_CLUSTER_START" });
  const pid = Number(readFileSync(pidFile, "utf8"));
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow("ESRCH"), 5_000);
  expect(existsSync(begun)).toBe(false);
  rmSync(folder, { recursive: true });
});
