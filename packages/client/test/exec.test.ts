// Commands in a process of the test: what goes in, what comes back, and what is refused. How they are stopped is a matter of real
// workers (test/system/exec.test.ts).

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { isFlockError } from "@taskflock/protocol/words";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client, ExecOptions } from "../src/index.ts";
import { TestCluster } from "./cluster-harness.ts";

let cluster: TestCluster;
let client: Client;
beforeAll(async () => {
  cluster = await TestCluster.start(1);
  client = await cluster.connect({ logs: "ignore" });
});
afterAll(() => cluster.close());

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();
const sh = (script: string): [string, ...string[]] => ["sh", "-c", script];

describe("what comes back", () => {
  test("output, apart, and how it ended", async () => {
    const result = await client.exec(sh("echo out; echo err >&2")).result();
    expect(result).toMatchObject({ exitCode: 0, signal: null, stdout: "out\n", stderr: "err\n", files: {} });
    expect(result.droppedBytes).toEqual({ stdout: 0, stderr: 0 });
    expect(result.seconds).toBeGreaterThan(0);
  });

  test("the end of long output, and how much came before", async () => {
    const result = await client.exec(sh("printf 12345678; printf abc >&2"), { maxOutputBytes: 3 }).result();
    expect(result).toMatchObject({ stdout: "678", stderr: "abc", droppedBytes: { stdout: 5, stderr: 0 } });
  });

  test("another exit code is a failure with the last of stderr, or a result when nobody checks", async () => {
    const script = sh("echo so far; echo no such column >&2; exit 3");
    const error = await client.exec(script).error();
    expect(error).toMatchObject({ code: "FLOCK_COMMAND_FAILED", exitCode: 3, signal: null, stdout: "so far\n" });
    expect(error?.message).toMatch(/^sh -c .* ended with exit code 3: no such column$/);
    expect(await client.exec(script, { check: false }).result()).toMatchObject({ exitCode: 3, stdout: "so far\n" });
  });

  test("a command that a signal ended", async () => {
    const error = await client.exec(sh("kill -KILL $$")).error();
    expect(error).toMatchObject({ code: "FLOCK_COMMAND_FAILED", exitCode: null, signal: "SIGKILL" });
  });

  test("a process that left the group, and holds on to the output, is not waited for", async () => {
    const script = `
      const { spawn } = require("node:child_process");
      const daemon = spawn("sleep", ["1000"], { detached: true, stdio: "inherit" });
      daemon.unref();
      console.log(daemon.pid);`;
    const { stdout } = await client.exec([process.execPath, "-e", script]).result();
    expect(process.kill(Number(stdout), "SIGKILL")).toBe(true);
  });

  test("a command that failed runs again here", async () => {
    const future = client.exec(["sh", "-c", "exit $(cat code)"], { files: { code: "5" } });
    expect(await future.error()).toMatchObject({ exitCode: 5 });
    await expect(client.rerunHere(future)).rejects.toMatchObject({ code: "FLOCK_COMMAND_FAILED", exitCode: 5 });
  });

  test("the name of the program is the task's", () => {
    expect(client.exec(["/bin/true"]).key).toMatch(/^true-/);
    expect(client.exec(["true"], { name: "fit" }).key).toMatch(/^fit-/);
  });
});

describe("files", () => {
  test("go in as text, as bytes, as a file of this machine, and as results; patterns bring them back", async () => {
    const folder = mkdtempSync(join(tmpdir(), "taskflock-test-"));
    writeFileSync(join(folder, "local.txt"), "local");
    const made = client.submit(() => new Uint8Array([0x66, 0x75, 0x74]), []);
    const { files } = await client
      .exec(
        sh(
          "mkdir -p out/deep; for f in *.txt in/*; do cp $f out/deep; done; touch out/.log; ln -s /etc/hosts out/link",
        ),
        {
          files: {
            "a.txt": "text",
            "in/b.bin": new Uint8Array([0x62]),
            "c.txt": pathToFileURL(join(folder, "local.txt")),
            "./in/f.bin": made,
          },
          outputs: ["out/**", "a.txt"],
        },
      )
      .result();
    rmSync(folder, { recursive: true });
    const contents = Object.fromEntries(Object.entries(files).map(([path, bytes]) => [path, text(bytes)]));
    expect(contents).toEqual({
      "a.txt": "text",
      "out/.log": "",
      "out/deep/a.txt": "text",
      "out/deep/b.bin": "b",
      "out/deep/c.txt": "local",
      "out/deep/f.bin": "fut",
    });
  });

  test("a script may be executed; cwd is a folder of its own", async () => {
    const script = "#!/bin/sh\necho $1 > made; pwd";
    const { stdout, files } = await client
      .exec(["../run.sh", "x y"], { cwd: "sub", files: { "run.sh": script, "sub/.keep": "" }, outputs: ["*/mad?"] })
      .result();
    expect(stdout).toMatch(/taskflock-exec-.*\/sub\n$/);
    expect(text(files["sub/made"])).toBe("x y\n");
  });

  test("the folder is another for each, and gone afterwards", async () => {
    const result = await client.exec(sh("pwd; mkdir d; touch d/f")).result();
    const gone = await client.exec(sh('pwd; test ! -e "$OLD"'), { env: { OLD: result.stdout.trim() } }).result();
    expect(gone.stdout).not.toBe(result.stdout);
  });

  test("files that cannot be written are a failure with a code", async () => {
    const error = await client.exec(["true"], { files: { a: "", "a/b": "" } }).error();
    expect(isFlockError(error, "FLOCK_COMMAND_FAILED")).toBe(true);
    expect(error?.message).toMatch(/^true could not start, as its files could not be written: E/);
  });

  test("a named output that is not there is a failure; a pattern without files is not", async () => {
    const error = await client.exec(["true"], { outputs: ["model.json", "*.log"] }).error();
    expect(error).toMatchObject({ code: "FLOCK_COMMAND_FAILED", exitCode: 0 });
    expect(error?.message).toBe("true did not leave model.json in its folder, which outputs names.");
  });
});

describe("what a command is given", () => {
  test("stdin: text, bytes, a result, or nothing", async () => {
    const read = async (stdin: NonNullable<ExecOptions["stdin"]>): Promise<string> =>
      (await client.exec(["cat"], { stdin }).result()).stdout;
    expect(await read("text")).toBe("text");
    expect(await read(new Uint8Array([0x62]))).toBe("b");
    expect(await read(client.submit(() => "made", []))).toBe("made");
    expect((await client.exec(["cat"]).result()).stdout).toBe("");
  });

  test("more stdin than it reads", async () => {
    expect(await client.exec(["true"], { stdin: "x".repeat(1_000_000) }).result()).toMatchObject({ exitCode: 0 });
  });

  test("variables beside those of the worker, or without them", async () => {
    const script = sh('echo "$A $HOME; $(test -n "$PATH" && echo path)"');
    const { stdout } = await client.exec(script, { env: { A: "1", HOME: undefined } }).result();
    expect(stdout).toBe("1 ; path\n");
  });
});

describe("what cannot be", () => {
  test("a command that is not there: the PATH is told", async () => {
    const error = await client.exec(["no-such-program"], { env: { PATH: "/nowhere" } }).error();
    expect(error?.message).toBe('The worker cannot start "no-such-program": it is not in PATH=/nowhere.');
    expect(isFlockError(error, "FLOCK_COMMAND_NOT_FOUND")).toBe(true);
  });

  test.each([
    [["./run.sh"], { files: { "run.sh": "#!/no/such/shell\n" } }, /it, or the interpreter that it names, is not there/],
    [["./plain"], { files: { plain: "text" } }, /must not be executed/],
    [["true"], { cwd: "sub" }, /its cwd "sub" does not exist there/],
    [["true"], { cwd: "f", files: { f: "" } }, /its cwd "f" is no folder there/],
  ] as const)("%j %j", async (command, options, message) => {
    const error = await client.exec([...command], options).error();
    expect(error?.message).toMatch(message);
    expect(isFlockError(error, "FLOCK_COMMAND_NOT_FOUND")).toBe(true);
  });

  test.each([
    ["python fit.py", 'for a shell write exec(["sh", "-c", "python fit.py"])'],
    [[], "not an array"],
    [["a", 1], "not an array"],
    [[""], "not an array"],
  ])("%j as the command", (command, message) => {
    expect(() => client.exec(command as [string])).toThrow(
      expect.objectContaining({ code: "FLOCK_ARGUMENT_INVALID", message: expect.stringContaining(message) }),
    );
  });

  test.each([
    [{ output: ["a"] }, "Did you mean outputs?"],
    [{ files: { "/etc/passwd": "" } }, '"/etc/passwd" is none'],
    [{ files: { "a/../../b": "" } }, '"a/../../b" is none'],
    [{ files: { "C:\\x": "" } }, "paths inside"],
    [{ files: { a: 1 } }, "for a a string"],
    [{ files: { a: new URL("https://example.org") } }, "for a a string"],
    [{ outputs: ["../x"] }, "inside the command's folder"],
    [{ env: { A: 1 } }, "strings by name"],
    [{ stdin: 5 }, "stdin takes"],
    [{ maxOutputBytes: -1 }, "maxOutputBytes takes"],
  ])("%j as options", (options, message) => {
    expect(() => client.exec(["true"], options as ExecOptions)).toThrow(
      expect.objectContaining({ code: "FLOCK_OPTION_INVALID", message: expect.stringContaining(message) }),
    );
  });

  test("a file of this machine that is not there", () => {
    expect(() => client.exec(["true"], { files: { a: new URL("file:///no/such/file") } })).toThrow(
      expect.objectContaining({ code: "FLOCK_ARGUMENT_INVALID", message: expect.stringContaining("/no/such/file") }),
    );
  });
});
