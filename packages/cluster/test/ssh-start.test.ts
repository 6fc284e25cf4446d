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

test("a port for the status page that somebody has there is not the end of the start", async () => {
  const folder = mkdtempSync(join(tmpdir(), "taskflock-ssh-"));
  const tries = join(folder, "tries");
  const lines = [
    "#!/bin/sh",
    'case "$*" in *--version*) echo 1.2.3; exit ;; esac',
    `echo x >>"${tries}"`,
    `if [ "$(wc -l <"${tries}")" -lt 3 ]; then`,
    `  echo 'taskflock: port 20001 on 127.0.0.1 is already in use: choose another with --dashboard-port (FLOCK_PORT_IN_USE)' >&2`,
    "else echo 'something else' >&2; fi",
    "exit 1",
  ];
  writeFileSync(join(folder, "ssh"), `${lines.join("\n")}\n`);
  chmodSync(join(folder, "ssh"), 0o755);
  const starting = SshCluster.start({
    ...{ hosts: ["one"], scheduler: "head", insecure: true, version: "1.2.3" },
    roleCommand: { command: "false", args: [] },
    env: { PATH: `${folder}${delimiter}${process.env["PATH"]}` },
  });
  await expect(starting).rejects.toThrow("something else");
  expect(readFileSync(tries, "utf8")).toBe("x\nx\nx\n");
  rmSync(folder, { recursive: true });
});
