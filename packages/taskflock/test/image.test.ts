// What `taskflock image` makes of its arguments, by a Docker that writes down what it is asked. The real one: test/infra/registry.test.ts.
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { awsError, loadAws } from "../src/aws/sdk.ts";
import { type BuildOptions, buildImage, nameOf, targetsBelow } from "../src/image/build.ts";
import { Docker } from "../src/image/docker.ts";
import { logInFor } from "../src/image/log-in.ts";
import { checkPlace, pushImage, tagIn } from "../src/image/push.ts";
import { type ImageSources, imageSources } from "../src/image/sources.ts";

const folder = mkdtempSync(join(tmpdir(), "taskflock-image-test-"));
const program = join(folder, "docker");
const root = new URL("../../../", import.meta.url).pathname.replace(/\/$/, "");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** `cases`: of a shell's `case`, on the first argument. Images that are "here" are those whose names are given. */
function dockerThat(cases: string, here: readonly string[] = []): Docker {
  const lines = [
    "#!/bin/sh",
    `echo "$*" >>"${folder}/asked"`,
    'case "$1" in',
    cases,
    "version) echo 28 ;;",
    "image)",
    `  case " ${here.join(" ")} " in *" $5 "*) ;; *) exit 1 ;; esac`,
    '  case "$4" in *Size*) echo "sha256:1 1000000 linux/arm64" ;; *) echo linux/arm64 ;; esac ;;',
    "esac",
  ];
  writeFileSync(program, `${lines.join("\n")}\n`, { mode: 0o755 });
  return new Docker(program);
}

const asked = (): string[] => readFileSync(join(folder, "asked"), "utf8").trim().split("\n");
const plain: BuildOptions = { tags: [], buildArgs: [], pull: false, cache: true };
let disposed = 0;
const sources = (): ImageSources => ({
  context: "/context",
  dockerfile: "/context/docker/Dockerfile",
  from: "installed",
  dispose: () => disposed++,
});

beforeEach(() => {
  rmSync(join(folder, "asked"), { force: true });
  disposed = 0;
});

test("builds the target that is asked for, under its name, and tidies up", async () => {
  const options = {
    ...plain,
    target: "gpu",
    platform: "linux/arm64",
    buildArgs: ["NODE_IMAGE=a"],
    pull: true,
    cache: false,
  };
  const built = await buildImage(dockerThat("", ["taskflock:gpu"]), sources, options);
  expect(built).toEqual({
    image: "taskflock:gpu",
    tags: ["taskflock:gpu"],
    id: "sha256:1",
    bytes: 1_000_000,
    platform: "linux/arm64",
  });
  expect(asked()[1]).toBe(
    "build --file /context/docker/Dockerfile --target gpu --build-arg TASKFLOCK_FROM=installed --tag taskflock:gpu --build-arg NODE_IMAGE=a --platform linux/arm64 --pull --no-cache /context",
  );
  expect(disposed).toBe(1);
});

test("builds a user's image, and before it what that stands on where it is not here", async () => {
  const own = join(folder, "My Search");
  mkdirSync(own);
  writeFileSync(join(own, "Dockerfile"), "FROM taskflock:gpu AS base\nfrom --platform=linux/amd64 taskflock:latest\n");
  const docker = dockerThat("", ["taskflock:gpu", "my-search:latest"]);
  const built = await buildImage(docker, sources, { ...plain, context: own, platform: "linux/amd64" });
  expect(built.image).toBe("my-search:latest");
  expect(asked().filter((line) => line.startsWith("build"))).toEqual([
    "build --file /context/docker/Dockerfile --target cpu --build-arg TASKFLOCK_FROM=installed --tag taskflock:latest --platform linux/amd64 /context",
    `build --file ${own}/Dockerfile --tag my-search:latest --platform linux/amd64 ${own}`,
  ]);
  const none = buildImage(docker, sources, { ...plain, context: folder });
  await expect(none).rejects.toMatchObject({
    code: "FLOCK_IMAGE_BUILD",
    message: expect.stringContaining("FROM taskflock:latest"),
  });
  expect(targetsBelow("FROM taskflock\nFROM x/taskflock:gpu\n# FROM taskflock:gpu\n")).toEqual(["cpu"]);
  expect([nameOf("/a/My App_2"), nameOf("/")]).toEqual(["my-app-2", "my-taskflock"]);
});

test("says what is wrong with Docker, and with a build", async () => {
  const failing = (docker: Docker, options: Partial<BuildOptions> = {}) =>
    buildImage(docker, sources, { ...plain, ...options });
  const none = new Docker(join(folder, "no-docker"));
  await expect(failing(none)).rejects.toMatchObject({
    code: "FLOCK_DOCKER_MISSING",
    message: expect.stringContaining("--docker"),
  });
  const silent = dockerThat("version) echo 'Cannot connect to the Docker daemon' >&2; exit 1 ;;");
  await expect(failing(silent)).rejects.toMatchObject({
    code: "FLOCK_DOCKER_UNREACHABLE",
    message: expect.stringContaining("Start Docker"),
  });
  const closed = dockerThat("version) echo 'permission denied' >&2; exit 1 ;;");
  await expect(failing(closed)).rejects.toThrow("group docker");
  const broken = dockerThat("build) echo 'buildx component is missing' >&2; exit 1 ;;");
  await expect(failing(broken)).rejects.toMatchObject({
    code: "FLOCK_IMAGE_BUILD",
    message: expect.stringContaining("docker-buildx"),
  });
  expect(disposed).toBe(1);
  await expect(failing(dockerThat(""), { target: "tpu" })).rejects.toMatchObject({ code: "FLOCK_OPTION_INVALID" });
});

test("pushes elsewhere as the user is logged in there, and takes the name away again", async () => {
  const digest = `sha256:${"a".repeat(64)}`;
  const docker = dockerThat(`push) echo "1: digest: ${digest} size: 7" ;;`, ["mine:1"]);
  const options = { image: "mine:1", repository: "taskflock", to: "registry.example.com:5000/team/mine" };
  const pushed = await pushImage(docker, options);
  expect(pushed).toMatchObject({ registry: options.to, tag: "1", digest, platform: "linux/arm64", created: false });
  const name = `${options.to}:1`;
  expect(asked().slice(-3)).toEqual([`tag mine:1 ${name}`, `push ${name}`, `image rm --no-prune ${name}`]);
  await expect(pushImage(docker, { ...options, image: "other" })).rejects.toMatchObject({
    code: "FLOCK_IMAGE_UNKNOWN",
  });
  const refused = dockerThat("push) echo 'denied: no basic auth credentials'; exit 1 ;;", ["mine:1"]);
  await expect(pushImage(refused, options)).rejects.toMatchObject({
    code: "FLOCK_IMAGE_PUSH",
    message: expect.stringContaining("docker login registry.example.com:5000"),
  });
  expect(asked().at(-1)).toBe(`image rm --no-prune ${name}`);
});

test("names are what registries and Terraform take", () => {
  expect([tagIn("a"), tagIn("host:5000/a"), tagIn("host:5000/a:b.c")]).toEqual(["latest", "latest", "b.c"]);
  expect(() => tagIn("a@sha256:0")).toThrow("--tag");
  for (const to of ["https://r.example/a", "r.example", "r.example/a:tag", "r.example/A"])
    expect(() => checkPlace(to)).toThrow(to);
  expect(() => checkPlace("r.example:5000/a/b")).not.toThrow();
});

test("a log-in lies in a folder of its own, for its owner alone, and is gone after", () => {
  const users = join(folder, "config");
  mkdirSync(join(users, "contexts/meta"), { recursive: true });
  writeFileSync(join(users, "config.json"), JSON.stringify({ currentContext: "colima", auths: { a: { auth: "x" } } }));
  const before = process.env["DOCKER_CONFIG"];
  process.env["DOCKER_CONFIG"] = users;
  try {
    const { env, dispose } = logInFor("r.example", "QVdTOnA=");
    const place = env["DOCKER_CONFIG"] ?? "";
    expect(place).not.toBe(users);
    const settings = JSON.parse(readFileSync(join(place, "config.json"), "utf8"));
    expect(settings).toEqual({ currentContext: "colima", auths: { "r.example": { auth: "QVdTOnA=" } } });
    expect(statSync(place).mode & 0o077).toBe(0);
    expect(existsSync(join(place, "contexts/meta"))).toBe(true);
    dispose();
    expect([existsSync(place), existsSync(join(users, "contexts/meta"))]).toEqual([false, true]);
  } finally {
    if (before === undefined) delete process.env["DOCKER_CONFIG"];
    else process.env["DOCKER_CONFIG"] = before;
  }
});

test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("a push that %s ends leaves no password behind", async (signal) => {
  const module = new URL("../src/image/log-in.ts", import.meta.url).href;
  const program = `const { logInFor } = await import("${module}");
    console.log(logInFor("r.example", "QVdTOnA=").env.DOCKER_CONFIG);
    setInterval(() => undefined, 1_000);`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", program], { cwd: root });
  const place = await new Promise<string>((resolve) =>
    child.stdout.once("data", (text) => resolve(String(text).trim())),
  );
  expect(existsSync(join(place, "config.json"))).toBe(true);
  child.kill(signal);
  expect(await new Promise((resolve) => child.once("close", (_, by) => resolve(by)))).toBe(signal);
  expect(existsSync(place)).toBe(false);
});

test("in a checkout, images are built from it", () => {
  const { context, dockerfile, from, dispose } = imageSources(join(root, "packages/taskflock"));
  expect([context, dockerfile, from]).toEqual([root, join(root, "docker/Dockerfile"), "checkout"]);
  dispose();
  expect(existsSync(dockerfile)).toBe(true);
});

test("without one, from the packages as they are installed, wherever they lie", () => {
  const modules = join(folder, "installed/node_modules");
  const put = (path: string, text: string): void => {
    mkdirSync(join(modules, path, ".."), { recursive: true });
    writeFileSync(join(modules, path), text);
  };
  put("taskflock/package.json", JSON.stringify({ dependencies: { "@taskflock/client": "0.1.0", commander: "14" } }));
  put("taskflock/dist/cli.js", "");
  put("taskflock/dist/docker/Dockerfile", "FROM x");
  put("taskflock/node_modules/commander/package.json", "{}");
  put(".store/client/package.json", JSON.stringify({ dependencies: { "@taskflock/client": "0.1.0" } }));
  mkdirSync(join(modules, "@taskflock"));
  symlinkSync(join(modules, ".store/client"), join(modules, "@taskflock/client"));
  const { context, from, dispose } = imageSources(join(modules, "taskflock"));
  const has = (path: string): boolean => existsSync(join(context, path));
  expect(from).toBe("installed");
  for (const path of ["docker/Dockerfile", "packages/taskflock/dist/cli.js", "packages/client/package.json"]) {
    expect(has(path), path).toBe(true);
  }
  for (const path of ["packages/taskflock/node_modules", "packages/taskflock/dist/docker", ".npmrc"]) {
    expect(has(path), path).toBe(false);
  }
  dispose();
  expect(has("docker")).toBe(false);
  rmSync(join(modules, "taskflock/dist/docker"), { recursive: true });
  expect(() => imageSources(join(modules, "taskflock"))).toThrow("cannot build images");
});

test("AWS's errors are told apart, and a missing SDK says its name", async () => {
  const codes = ["ExpiredTokenException", "AccessDeniedException", "LimitExceededException"].map(
    (name) => awsError(Object.assign(new Error("no"), { name }), "do it").code,
  );
  expect(codes).toEqual(["FLOCK_AWS_CREDENTIALS", "FLOCK_AWS_DENIED", "FLOCK_AWS_FAILED"]);
  expect(awsError(new Error("Region is missing"), "do it").code).toBe("FLOCK_AWS_REGION");
  const missing = Object.assign(new Error("Cannot find package"), { code: "ERR_MODULE_NOT_FOUND" });
  const load = loadAws("@aws-sdk/client-none", () => Promise.reject(missing));
  await expect(load).rejects.toMatchObject({
    code: "FLOCK_AWS_SDK",
    message: expect.stringContaining("npm install @aws-sdk/client-none"),
  });
});
