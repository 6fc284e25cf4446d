// What users install: every public package as npm would publish it, in an empty folder, running the README's program.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { LocalCluster } from "@taskflock/cluster";
import { type Format, transformSync } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { command, runNode, runNpm } from "../scripts/ensure.mjs";
import { printsAsSaid, programsIn } from "./docs/markdown.ts";
import { allPrograms, environmentNamed, removeWorkplace, stripsTypes } from "./functions/environments.ts";
import { type Outcome, runPrograms } from "./functions/run-programs.ts";
import { root } from "./tidy/tree.ts";

const manifests = readdirSync(join(root, "packages"))
  .map((name) => JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8")))
  .filter((manifest) => manifest.private !== true);
const names: string[] = manifests.map(({ name }) => name);
const readme = join(root, "README.md");

/** A registry that cannot be reached says nothing about the packages: the tests are skipped, and counted as skipped. */
const unreachable = /\b(ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|ENOTCACHED)\b/;

/** Ten lines: a closure over an import and over a value. */
const tenLines = `
import { createHash } from "node:crypto";
import { LocalCluster } from "taskflock";

const salt: string = "s-";
async function main(): Promise<void> {
  const cluster = await LocalCluster.start({ workers: 1, threadsPerWorker: 1 });
  const client = await cluster.connect();
  const hash = (text: string) => createHash("md5").update(salt + text).digest("hex").slice(0, 4);
  console.log((await client.gather(client.map(hash, ["a", "b"]))).join());
  await client.close();
  await cluster.close();
}
void main();
`;

describe("packages as users install them", () => {
  const folder = mkdtempSync(join(tmpdir(), "taskflock-pack-"));
  let offline = false;

  beforeAll(async () => {
    const workspaces = names.flatMap((name) => ["-w", name]);
    const packed = await runNpm(["pack", ...workspaces, "--pack-destination", folder, "--silent"]);
    expect(packed.ok, packed.output).toBe(true);
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
    const tarballs = readdirSync(folder).filter((file) => file.endsWith(".tgz"));
    expect(tarballs).toHaveLength(names.length);
    const options = ["--prefer-offline", "--no-audit", "--no-fund"];
    const installed = await runNpm(["install", ...options, ...tarballs.map((file) => `./${file}`)], { cwd: folder });
    offline = !installed.ok && unreachable.test(installed.output);
    if (!offline) expect(installed.ok, installed.output).toBe(true);
  }, 180_000);

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
    removeWorkplace();
  });

  it("load, every entry of every package", async ({ skip }) => {
    skip(offline, "the package registry cannot be reached");
    const entries = manifests.flatMap(({ name, exports }) =>
      Object.keys(exports)
        .filter((entry) => entry !== "./package.json")
        .map((entry) => name + entry.slice(1)),
    );
    const code = `for (const name of ${JSON.stringify(entries)}) if (Object.keys(await import(name)).length === 0) throw name`;
    const { ok, output } = await runNode(["--input-type=module", "--eval", code], { cwd: folder, timeout: 60_000 });
    expect(ok, output).toBe(true);
  });

  it("bring the Terraform module of `taskflock aws`", ({ skip }) => {
    skip(offline, "the package registry cannot be reached");
    const module = join(folder, "node_modules/taskflock/dist/terraform");
    for (const file of ["main.tf", "variables.tf", "templates/run.sh"])
      expect(readFileSync(join(module, file), "utf8")).toBe(readFileSync(join(root, "terraform", file), "utf8"));
  });

  it("run the README's program", async ({ skip }) => {
    skip(offline, "the package registry cannot be reached");
    expect(existsSync(readme)).toBe(true);
    const program = programsIn("README.md", readFileSync(readme, "utf8"))[0];
    expect(program, "README.md has a program").toBeDefined();
    // Compiled, because Node 20 does not strip types.
    writeFileSync(join(folder, "program.js"), transformSync(program!.code, { loader: "ts", target: "es2022" }).code);
    const { ok, output, stdout } = await runNode(["program.js"], { cwd: folder, timeout: 110_000 });
    expect(ok, output).toBe(true);
    if (program!.output !== undefined && !printsAsSaid(program!.output, stdout)) expect(stdout).toBe(program!.output);
  });

  const compiled = (format: Format): string => transformSync(tenLines, { loader: "ts", target: "es2022", format }).code;

  it.for<readonly [how: string, file: string, code: string, args: readonly string[]]>([
    ["by tsx", "ten.ts", tenLines, ["--import", pathToFileURL(command("tsx", "dist/loader.mjs")).href]],
    ["by Node's type stripping", "stripped.ts", tenLines, []],
    ["compiled to ECMAScript modules", "ten.mjs", compiled("esm"), []],
    ["compiled to CommonJS", "ten.cjs", compiled("cjs"), []],
  ])("run a closure over an import, %s", async ([how, file, code, args], { skip }) => {
    skip(offline, "the package registry cannot be reached");
    skip(how.includes("stripping") && !stripsTypes(), `Node ${process.version} does not strip types`);
    writeFileSync(join(folder, file), code);
    const { output, stdout } = await runNode([...args, file], { cwd: folder, timeout: 60_000 });
    expect(stdout, output).toBe("56ec,7da2\n");
  });

  describe("run the programs of the matrix on workers without the user's packages", () => {
    let cluster: LocalCluster;
    let outcome: Outcome;

    beforeAll(async () => {
      if (offline) return;
      const before = process.cwd();
      process.chdir(folder); // processes inherit it
      const roleCommand = { command: process.execPath, args: [join(folder, "node_modules/taskflock/dist/cli.js")] };
      cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 1, roleCommand });
      process.chdir(before);
      const tokenFile = join(folder, "token");
      writeFileSync(tokenFile, cluster.token, { mode: 0o600 });
      outcome = await runPrograms(environmentNamed("compiled ECMAScript modules"), {
        address: cluster.address,
        tokenFile,
      });
    });

    afterAll(() => cluster?.close());

    it.for(allPrograms)("%s", (program, { skip }) => {
      const reason = offline ? "the package registry cannot be reached" : outcome.skipped(program);
      skip(reason !== null, reason ?? "");
      expect(outcome.problemOf(program)).toBeNull();
    });
  });
});
