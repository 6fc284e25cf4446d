// How ssh is called, and what runs at its other end: the scripts are run by this machine's shell. Over real ssh: test/infra/ssh.test.ts.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { shellQuoted } from "../src/shell-quoted.ts";
import { connectionError, roleScript, sshArguments } from "../src/ssh/connection.ts";
import { completeSshOptions, type SshClusterOptions } from "../src/ssh/options.ts";
import { SshProcess } from "../src/ssh/ssh-process.ts";

const given: SshClusterOptions = {
  hosts: ["ada@one", "two"],
  roleCommand: { command: "node", args: ["cli.js"] },
  version: "1.2.3",
};

/** As sshd does: the user's shell gets what stands after the host. */
function there(script: string): ChildProcess {
  const command = sshArguments({ sshOptions: [] }, "one", script).at(-1) ?? "";
  return spawn("sh", ["-c", command], { stdio: ["pipe", "pipe", "pipe"] });
}

/** Says what it got, then waits for the end of its stdin. */
const role = `const fs = require("fs");
const token = fs.readFileSync(4, "utf8").trim();
fs.writeSync(3, JSON.stringify({ token, args: process.argv.slice(1), env: Object.values(process.env).join(), here: process.cwd() }) + "\\n");
process.stdin.on("end", () => console.log("ended")).resume();`;

test("a role gets its token by a descriptor, says that it is ready on stdout, and ends with stdin", async () => {
  const before = ["cd /", "echo noise", "cat", "export WORD='it''s'"];
  const child = there(roleScript(before, [process.execPath, "--eval", role, "--", "a b", "$HOME", "it's"]));
  child.stdin?.write("the-token\nmore\n");
  const said = await new Promise((resolve) => child.stdout?.once("data", (chunk) => resolve(String(chunk))));
  const ready = JSON.parse(String(said));
  expect(ready).toMatchObject({ token: "the-token", here: "/" });
  expect(ready.args.slice(0, 3)).toEqual(["a b", "$HOME", "it's"]);
  expect(ready.env).toContain("its");
  expect(ready.env + ready.args.join()).not.toContain("the-token");
  child.stdin?.end();
  const [noise, out] = await Promise.all([text(child.stderr!), text(child.stdout!)]);
  expect(noise).toBe("noise\nended\n");
  expect(out).toBe("");
});

test("a scheduler gets a second token, of the workers, on a line of its own", async () => {
  const child = there(roleScript([], [process.execPath, "--eval", role, "--"], 2));
  child.stdin?.write("the-token\nthe-workers'\n");
  const said = await new Promise((resolve) => child.stdout?.once("data", (chunk) => resolve(String(chunk))));
  expect(JSON.parse(String(said))).toMatchObject({ token: "the-token\nthe-workers'" });
  child.stdin?.end();
  await new Promise((resolve) => child.once("close", resolve));
});

test("what a shell greets with is not taken for the line that says that the role is ready", async () => {
  const folder = mkdtempSync(join(tmpdir(), "taskflock-ssh-"));
  // In place of ssh: a machine whose shell greets, and then does as it is told.
  const greeting = `'{"Welcome" to} "{one"}'`;
  writeFileSync(
    join(folder, "ssh"),
    `#!/bin/sh\nprintf '%s\\n' ${greeting}\nfor script; do :; done\nexec sh -c "$script"\n`,
    { mode: 0o755 },
  );
  const PATH = `${folder}:${process.env["PATH"]}`;
  const command = [process.execPath, "--eval", role, "--"];
  const options = { ...completeSshOptions(given), command, env: { ...process.env, PATH } };
  const started = new SshProcess({ options, host: "one", args: ["worker"], forwards: [], tokens: ["the-token"] });
  expect(await started.ready).toMatchObject({ token: "the-token", args: expect.arrayContaining(["worker"]) });
  await started.stop(5_000);
  rmSync(folder, { recursive: true });
});

test("a line before the role that fails is its end", async () => {
  const child = there(roleScript(["cd /nonexistent"], [process.execPath, "--version"]));
  child.stdin?.end("token\n");
  const code = await new Promise((resolve) => child.once("close", resolve));
  expect(code).not.toBe(0);
});

test("ssh asks nobody, shares no connection, and takes the user's options first", () => {
  const args = sshArguments({ sshOptions: ["-o", "ConnectTimeout=1"] }, "ada@one", "true", ["-R", "1:a:2"]);
  expect(args.slice(0, 3)).toEqual(["-T", "-o", "ConnectTimeout=1"]);
  expect(args).toEqual(expect.arrayContaining(["BatchMode=yes", "ControlMaster=no", "ExitOnForwardFailure=yes", "-R"]));
  expect(args.slice(-3)).toEqual(["--", "ada@one", "exec sh -c true"]);
  expect(shellQuoted("it's")).toBe("'it'\\''s'");
});

test("failures of ssh are told apart", () => {
  const codes = [
    "ada@one: Permission denied (publickey).",
    "Host key verification failed.",
    "ssh: connect to host one port 22: Connection timed out",
    "",
  ].map((said) => connectionError("one", said).code);
  expect(codes).toEqual(["FLOCK_SSH_REFUSED", "FLOCK_SSH_REFUSED", "FLOCK_SSH_UNREACHABLE", "FLOCK_SSH_UNREACHABLE"]);
});

test("what cannot be meant is refused", () => {
  const code = (more: object): unknown => {
    try {
      completeSshOptions({ ...given, ...more });
      return null;
    } catch (error) {
      return (error as { code?: string }).code;
    }
  };
  expect(code({})).toBeNull();
  for (const more of [
    ...[{ hosts: [] }, { hosts: ["-oProxyCommand=x"] }, { hosts: ["a b"] }, { scheduler: "-x" }, { command: [] }],
    ...[{ scheduler: "head", tunnel: true }, { prologue: ["a\nb"] }, { workersPerHost: 0 }, { nonsense: 1 }],
  ]) {
    expect(code(more), JSON.stringify(more)).toBe("FLOCK_OPTION_INVALID");
  }
  expect([code({ tunnel: false }), code({ scheduler: "head" })]).toEqual(["FLOCK_INSECURE", "FLOCK_INSECURE"]);
  expect(code({ scheduler: "head", insecure: true })).toBeNull();
});
