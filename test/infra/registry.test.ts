// `taskflock image build` and `push`, with a real Docker, a real registry that wants a password, and ECR's control plane in front of it.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runNpm } from "../../scripts/ensure.mjs";
import { root } from "../tidy/tree.ts";
import { AwsEmulator } from "./aws-emulator/index.ts";
import { type DockerEngine, dockerEngine, must, type Outcome, run } from "./docker-engine.ts";
import { nodeBase } from "./node-base.ts";
import { RegistryServer } from "./registry-server.ts";

const image = "taskflock-test:registry";
const password = `ecr-${process.pid}-${Date.now().toString(36)}`;
const checkoutCli = join(root, "packages/taskflock/dist/cli.js");
const folder = mkdtempSync(join(tmpdir(), "taskflock-push-"));
/** All that the command could leave behind lies below these. */
const [home, temp] = [join(folder, "home"), join(folder, "tmp")];

let engine: DockerEngine;
let server: RegistryServer;
let aws: AwsEmulator;
let why: string | null = null;

beforeAll(async () => {
  for (const path of [home, temp]) mkdirSync(path);
  const found = await dockerEngine();
  if (typeof found === "string") why = found;
  else {
    engine = found;
    why = await nodeBase(engine);
  }
  const started = why === null ? await RegistryServer.start("AWS", password) : "";
  if (typeof started === "string") {
    why ??= started;
    console.log(`skipped: ${why}`);
    return;
  }
  server = started;
  aws = await AwsEmulator.start({ registry: { host: server.address, password } });
});

afterAll(async () => {
  await aws?.[Symbol.asyncDispose]();
  await server?.stop();
  if (engine !== undefined) {
    const names = [image, `${image}-installed`, "taskflock-test-own:latest"];
    await engine.run(["image", "rm", "--force", ...names]);
    await engine.stop();
  }
  rmSync(folder, { recursive: true, force: true });
});

/** The command, as its user would have it but for where it leaves things. */
function taskflock(args: readonly string[], env: NodeJS.ProcessEnv = {}, cli = checkoutCli): Promise<Outcome> {
  const places = { HOME: home, TMPDIR: temp, DOCKER_CONFIG: join(home, ".docker") };
  const docker = { ...engine.env, TASKFLOCK_DOCKER: engine.program };
  return run(process.execPath, [cli, "image", ...args], {
    env: { ...docker, ...aws.env, ...places, ...env },
    cwd: folder,
  });
}

const filesWith = (text: string): Promise<Outcome> => run("grep", ["-rlaF", "--", text, home, temp]);

describe("an image", () => {
  const digestOf = (name: string): Promise<string> =>
    engine.must(["inspect", "--format", "{{json .RepoDigests}}", name]);
  let digest = "";

  test("is built from the checkout by one command", async ({ skip }) => {
    skip(why !== null, why ?? "");
    const built = await taskflock(["build", "--tag", image, "--json"]);
    expect(built.ok, built.output).toBe(true);
    expect(JSON.parse(built.stdout)).toMatchObject({
      image,
      tags: [image],
      platform: expect.stringMatching(/^linux\//),
    });
    expect(await engine.must(["run", "--rm", image, "--version"])).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test("is not taken by the registry from who is not logged in", async ({ skip }) => {
    skip(why !== null, why ?? "");
    const to = `${server.address}/taskflock`;
    const pushed = await taskflock(["push", image, "--to", to]);
    expect(pushed.ok).toBe(false);
    expect(pushed.output).toContain("FLOCK_IMAGE_PUSH");
    expect(pushed.output).toContain(`docker login ${server.address}`);
    expect(await engine.must(["image", "ls", "--quiet", to])).toBe("");
  });

  test("is pushed to ECR: the repository is made as Terraform makes it, and the digest printed", async ({ skip }) => {
    skip(why !== null, why ?? "");
    const pushed = await taskflock(["push", image]);
    expect(pushed.ok, pushed.output).toBe(true);
    expect(pushed.stdout).toContain(`made the repository ${server.address}/taskflock\n`);
    expect(pushed.stdout).toContain(`docker_registry = "${server.address}/taskflock"\n`);
    digest = /^image_digest {4}= "(sha256:[0-9a-f]{64})"$/m.exec(pushed.stdout)?.[1] ?? "";
    expect(digest).not.toBe("");
    expect(aws.world.repositories.get("taskflock")).toMatchObject({
      ...{ mutability: "MUTABLE", scanOnPush: true, encryption: "AES256" },
      lifecyclePolicy: expect.stringContaining("untagged"),
    });
  });

  test("is pushed once more: the repository is let be", async ({ skip }) => {
    skip(why !== null, why ?? "");
    const pushed = await taskflock(["push", image, "--json"]);
    expect(JSON.parse(pushed.stdout)).toMatchObject({ created: false, digest, tag: "registry" });
    expect(aws.asked.filter((action) => action === "ecr:CreateRepository")).toHaveLength(1);
  });

  test("leaves no password behind, and no name: not in files, not in the image", async ({ skip }) => {
    skip(why !== null, why ?? "");
    for (const secret of [password, Buffer.from(`AWS:${password}`).toString("base64")]) {
      expect(await filesWith(secret)).toMatchObject({ exitCode: 1, output: "" });
    }
    expect(readdirSync(temp)).toEqual([]);
    expect(await engine.must(["image", "ls", "--quiet", `${server.address}/taskflock`])).toBe("");
    expect(await engine.must(["history", "--no-trunc", image])).not.toContain(password);
  });

  test("comes back by its digest, the same, and runs", async ({ skip }) => {
    skip(why !== null, why ?? "");
    const config = join(folder, "puller");
    const pull = (): Promise<Outcome> =>
      engine.run(["pull", `${server.address}/taskflock@${digest}`], { env: { DOCKER_CONFIG: config } });
    expect((await pull()).ok).toBe(false);
    const logIn = ["login", "--username", "AWS", "--password-stdin", server.address];
    await engine.must(logIn, { input: password, env: { DOCKER_CONFIG: config } });
    const pulled = await pull();
    expect(pulled.ok, pulled.output).toBe(true);
    const name = `${server.address}/taskflock@${digest}`;
    expect(JSON.parse(await digestOf(name))).toContain(name);
    expect(await engine.must(["run", "--rm", name, "--version"])).toMatch(/^\d+\.\d+\.\d+$/);
    await engine.must(["image", "rm", name]);
  });

  test("of one's own stands on one in a registry, with the user's own log-in; a stale log-in is told", async ({
    skip,
  }) => {
    skip(why !== null, why ?? "");
    const own = join(folder, "taskflock-test-own");
    mkdirSync(own);
    writeFileSync(join(own, "Dockerfile"), `FROM ${server.address}/taskflock:registry\nCOPY main.mjs .\n`);
    writeFileSync(join(own, "main.mjs"), "console.log('mine')");
    const DOCKER_CONFIG = join(folder, "puller");
    const built = await taskflock(["build", own], { DOCKER_CONFIG });
    expect(built.ok, built.output).toBe(true);
    expect(await engine.must(["run", "--rm", "taskflock-test-own:latest", "node", "main.mjs"])).toBe("mine");
    await using stranger = await AwsEmulator.start({ registry: { host: server.address, password: "yesterday's" } });
    const refused = await taskflock(["push", "taskflock-test-own:latest"], { AWS_ENDPOINT_URL: stranger.url });
    expect(refused.ok).toBe(false);
    expect(refused.output).toContain("FLOCK_IMAGE_PUSH");
    expect(await filesWith("yesterday")).toMatchObject({ exitCode: 1 });
  });
});

describe("without a checkout, as npm installs it", () => {
  test("the image is built from what is installed, and is as small", async ({ skip }) => {
    skip(why !== null, why ?? "");
    const project = join(folder, "project");
    mkdirSync(project);
    const names = readdirSync(join(root, "packages")).map((name) => `packages/${name}`);
    const workspaces = names.flatMap((name) => ["-w", name]);
    expect(await runNpm(["pack", ...workspaces, "--pack-destination", project, "--silent"])).toMatchObject({
      ok: true,
    });
    writeFileSync(join(project, "package.json"), JSON.stringify({ name: "user", private: true }));
    const tarballs = readdirSync(project).filter((file) => file.endsWith(".tgz"));
    const install = ["install", "--prefer-offline", "--no-audit", "--no-fund", ...tarballs.map((file) => `./${file}`)];
    const installed = await runNpm(install, { cwd: project });
    expect(installed.ok, installed.output).toBe(true);
    const cli = join(project, "node_modules/taskflock/dist/cli.js");
    const built = await taskflock(["build", "--tag", `${image}-installed`, "--json"], {}, cli);
    expect(built.ok, built.output).toBe(true);
    const { bytes } = JSON.parse(built.stdout);
    console.log(`the image from npm takes ${(bytes / 1e6).toFixed(0)} MB`);
    expect(bytes).toBeLessThan(300e6);
    const { version } = JSON.parse(readFileSync(join(root, "packages/taskflock/package.json"), "utf8"));
    expect(await engine.must(["run", "--rm", `${image}-installed`, "--version"])).toBe(version);
    const program = 'import("taskflock").then(({ Client }) => console.log(typeof Client.connect))';
    expect(await engine.must(["run", "--rm", `${image}-installed`, "node", "--eval", program])).toBe("function");
    expect(readdirSync(temp)).toEqual([]);
  });

  test("what is missing is said: credentials, region, Docker, a daemon", async ({ skip }) => {
    skip(why !== null, why ?? "");
    const push = (env: NodeJS.ProcessEnv): Promise<Outcome> => taskflock(["push", image], env);
    const noKeys = { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" };
    expect((await push(noKeys)).output).toContain("FLOCK_AWS_CREDENTIALS");
    expect((await push({ AWS_REGION: "" })).output).toContain("FLOCK_AWS_REGION");
    expect((await push({ TASKFLOCK_DOCKER: join(folder, "none") })).output).toContain("FLOCK_DOCKER_MISSING");
    const silent = await push({ DOCKER_HOST: `unix://${join(folder, "none.sock")}` });
    expect(silent.output).toContain("FLOCK_DOCKER_UNREACHABLE");
    await expect(must(process.execPath, [checkoutCli, "image", "push", "--help"])).resolves.toContain("ECR");
  });
});
