// The notebook's image: its example searches on a cluster, and nobody gets in without the password.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeToken } from "@taskflock/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "../tidy/tree.ts";
import { ComposedCluster } from "./composed-cluster.ts";
import { type DockerEngine, dockerEngine, until } from "./docker-engine.ts";
import { nodeBase } from "./node-base.ts";
import { pythonIndex } from "./python-index.ts";

const image = "taskflock-test:notebook";
const password = "four words of mine";
const secrets = mkdtempSync(join(tmpdir(), "taskflock-secrets-"));
let engine: DockerEngine;
let cluster: ComposedCluster;
let why: string | null = null;
let place: string[] = [];
const started: string[] = [];

beforeAll(async () => {
  const found = await dockerEngine();
  if (typeof found === "string") why = found;
  else {
    engine = found;
    why = await nodeBase(engine);
  }
  if (why !== null) return console.log(`skipped: ${why}`);
  const index = await pythonIndex();
  try {
    const build = ["build", "--quiet", "--file", "docker/Dockerfile"];
    const target = ["--target", "notebook", "--tag", image, "."];
    await engine.must([...build, ...index.buildArgs, ...target], { cwd: root });
  } finally {
    index.close();
  }
  for (const name of ["token", "grafana-password"]) writeFileSync(join(secrets, name), makeToken());
  // The image is the cluster's as well: it is the cpu image, and more.
  cluster = await ComposedCluster.up(engine, { image, secrets, workers: 2 });
  const token = join(secrets, "token");
  place = ["--network", cluster.network, "--env", "TASKFLOCK_ADDRESS=scheduler:8786"];
  place.push("--volume", `${token}:/run/secrets/taskflock-token:ro`);
  place.push("--volume", `${cluster.caFile}:/run/secrets/taskflock-ca.pem:ro`);
});

afterAll(async () => {
  if (started.length > 0) await engine.run(["rm", "--force", ...started]);
  await cluster?.down();
  rmSync(secrets, { recursive: true, force: true });
  await engine?.stop();
});

async function start(
  ...args: string[]
): Promise<{ readonly id: string; readonly page: string; readonly board: string }> {
  const ports = ["--publish", "127.0.0.1::8888", "--publish", "127.0.0.1::6006"];
  const id = await engine.must(["run", "--detach", ...ports, ...place, ...args, image]);
  started.push(id);
  const published = (port: number) => engine.must(["port", id, `${port}/tcp`]);
  return { id, page: `http://${await published(8888)}`, board: `http://${await published(6006)}` };
}

/** What accepts a connection for a container that does not listen yet may never answer. */
const answers = (url: string) => async (): Promise<boolean> =>
  (await fetch(url, { signal: AbortSignal.timeout(5_000) }).catch(() => null))?.ok === true;
const logsOf = (id: string) => async (): Promise<string> => (await engine.run(["logs", id])).output;

test("the example searches on the cluster", async ({ skip }) => {
  skip(why !== null, why ?? "");
  const execute = ["jupyter", "nbconvert", "--to", "notebook", "--execute", "--stdout", "examples/search.ipynb"];
  const { ok, stdout, output } = await engine.run(["run", "--rm", ...place, image, "sh", "-c", execute.join(" ")]);
  expect(ok, output).toBe(true);
  const { cells } = JSON.parse(stdout) as { cells: { outputs?: { text?: string[] }[] }[] };
  const printed = cells.flatMap(({ outputs = [] }) => outputs.flatMap(({ text = [] }) => text)).join("");
  expect(printed).toMatch(/^2 workers$/m);
  const { bestScore } = JSON.parse(readFileSync(join(root, "test/data/digits-svc-grid.json"), "utf8"));
  expect(printed).toMatch(new RegExp(`^best \\{ .* \\} ${bestScore.toFixed(4)}$`, "m"));
});

test("JupyterLab asks for the password, and TensorBoard is there", async ({ skip }) => {
  skip(why !== null, why ?? "");
  const { id, page, board } = await start("--env", `NOTEBOOK_PASSWORD=${password}`);
  await until(answers(`${page}/login`), logsOf(id));
  expect((await fetch(`${page}/api/contents`)).status).toBe(403);
  const login = async (word: string): Promise<Response> => {
    const form = await fetch(`${page}/login`);
    const cookie = form.headers
      .getSetCookie()
      .map((line) => line.split(";")[0])
      .join("; ");
    const xsrf = /_xsrf=([^;]+)/.exec(cookie)?.[1] ?? "";
    const body = new URLSearchParams({ _xsrf: xsrf, password: word });
    return fetch(`${page}/login`, { method: "POST", headers: { cookie }, body, redirect: "manual" });
  };
  expect((await login("another")).status).toBe(401);
  const entered = await login(password);
  expect(entered.status).toBe(302);
  const cookie = entered.headers
    .getSetCookie()
    .map((line) => line.split(";")[0])
    .join("; ");
  const kernels = await fetch(`${page}/api/kernelspecs`, { headers: { cookie } });
  expect(Object.keys(((await kernels.json()) as { kernelspecs: object }).kernelspecs)).toContain("tslab");
  await until(answers(`${board}/data/environment`), logsOf(id));
  // The server, and with it every kernel, does not know it.
  const server =
    'for p in /proc/[0-9]*; do grep -qa "jupyter-la[b]" $p/cmdline && tr "\\0" "\\n" < $p/environ; done; true';
  const environment = await engine.must(["exec", id, "sh", "-c", server]);
  expect(environment).toContain("JUPYTER_CONFIG_DIR=");
  expect(environment).not.toContain(password);
});

test("without a password one is made and said", async ({ skip }) => {
  skip(why !== null, why ?? "");
  const { id, page } = await start();
  await until(answers(`${page}/login`), logsOf(id));
  expect(await logsOf(id)()).toMatch(/The notebook's password is [\w-]{16} \(/);
  expect((await fetch(`${page}/api/contents`)).status).toBe(403);
});
