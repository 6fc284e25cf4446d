// Every route of the HTTP API: for whom it answers, and what it does with rubbish. What is in the answers: test/system/dashboard.test.ts.

import { readFileSync } from "node:fs";
import { WINDOW_MS } from "@taskflock/protocol";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { errorIn, Stage, TOKEN, VIEWER_TOKEN } from "./dashboard-stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.start();
});
afterAll(() => stage.close());
beforeEach(() => {
  stage.now += WINDOW_MS;
});

/** Path, and the status of an answer about an empty cluster. */
const reads: readonly (readonly [string, number])[] = [
  ["me", 200],
  ["cluster", 200],
  ["overview", 200],
  ["workers", 200],
  ["workers/nobody", 404],
  ["gone-workers", 200],
  ["tasks", 200],
  ["tasks/7", 404],
  ["tasks/some%2Fkey", 404],
  ["failures", 200],
  ["runs", 200],
  ["runs/7", 404],
  ["runs/7/details", 200],
  ["graph", 200],
  ["searches/7", 404],
  ["searches/7.csv", 404],
  ["trainings/7", 404],
  ["trainings/7.csv", 404],
  ["transfers", 200],
  ["events", 200],
  ["logs", 200],
  ["profile?seconds=0.1", 200],
];
const actions: readonly (readonly [string, unknown, number])[] = [
  ["cancel", { tasks: [7] }, 200],
  ["cancel", { run: 7 }, 200],
  ["retire", { workers: ["nobody"] }, 404],
  ["restart-workers", { workers: ["nobody"] }, 404],
  ["restart-cluster", {}, 200],
];

/** Tested in sign-in.test.ts, and where reports are. */
const elsewhere: readonly string[] = ["codes", "report", "reports", "reports/7"];

test.each(reads)("GET %s is for everybody who shows a token", async (path, status) => {
  const url = `/api/v1/${path}`;
  const answers = [await stage.get(url), await stage.get(url, VIEWER_TOKEN), await stage.get(url, null)];
  expect(answers.map((answer) => answer.status)).toEqual([status, status, 401]);
  expect((await stage.get(url, "wrong")).status).toBe(401);
  expect(() => JSON.parse(answers[0]!.body)).not.toThrow();
  expect(stage.errors).toEqual([]);
});

test.each(actions)("POST actions/%s of %j is for admins", async (name, body, status) => {
  const url = `/api/v1/actions/${name}`;
  const refused = await stage.post(url, body, VIEWER_TOKEN);
  expect([refused.status, errorIn(refused).code]).toEqual([403, "FLOCK_FORBIDDEN"]);
  expect((await stage.post(url, body, null)).status).toBe(401);
  expect((await stage.post(url, body, "wrong")).status).toBe(401);
  expect((await stage.post(url, body)).status).toBe(status);
  const cookie = await stage.signIn();
  expect((await stage.post(url, body, null, { cookie })).status).toBe(403);
  expect((await stage.post(url, body, null, { cookie, origin: stage.origin })).status).toBe(status);
  expect((await stage.get(url)).status).toBe(404);
});

test("all routes are described, and nothing else is", async () => {
  const { paths } = JSON.parse((await stage.get("/api/v1/openapi.json")).body) as { paths: Record<string, object> };
  const said = [
    ...reads.map(([path]) => path.split("?")[0]!),
    ...actions.map(([name]) => `actions/${name}`),
    ...elsewhere,
  ];
  const asPattern = (path: string): RegExp =>
    new RegExp(`^${path.replace(/\{\w+\}/g, "[^/.]+").replace(".csv", "\\.csv")}$`);
  const patterns = Object.keys(paths).map(asPattern);
  for (const path of said)
    expect(
      patterns.some((pattern) => pattern.test(`/api/v1/${path}`)),
      path,
    ).toBe(true);
  for (const pattern of patterns)
    expect(
      said.some((path) => pattern.test(`/api/v1/${path}`)),
      String(pattern),
    ).toBe(true);
});

test("docs/http-api.md names every path", async () => {
  const page = readFileSync(new URL("../../../docs/http-api.md", import.meta.url), "utf8");
  const { paths } = JSON.parse((await stage.get("/api/v1/openapi.json")).body) as { paths: Record<string, object> };
  for (const path of Object.keys(paths)) expect(page).toContain(`\`${path.replace("/api/v1/", "")}`);
});

test.each([
  "tasks?limit=0",
  "tasks?limit=201",
  "tasks?limit=1e9",
  "tasks?limit=x",
  "tasks?before=-1",
  "tasks?status=lost",
  "tasks?statsu=done",
  "tasks?run=1.5",
  `tasks?text=${"x".repeat(2_000)}`,
  "tasks/x?by=name",
  "graph?limit=5001",
  "graph?run=-1",
  "events?since=x",
  "events?limit=1001",
  "logs?key[]=a&key[]=b",
  "profile?seconds=61",
  "profile?seconds=NaN",
  "runs/x",
  "runs/1/details?limit=0",
  "failures?limit=99999999999999999999",
])("GET %s is refused", async (path) => {
  const refused = await stage.get(`/api/v1/${path}`);
  expect([refused.status, errorIn(refused).code]).toEqual([400, "FLOCK_OPTION_INVALID"]);
});

test.each([
  ["cancel", {}],
  ["cancel", { tasks: "all" }],
  ["cancel", { tasks: [-1] }],
  ["cancel", { tasks: Array.from({ length: 10_001 }, () => 1) }],
  ["cancel", { task: 1 }],
  ["retire", { workers: [] }],
  ["retire", {}],
  ["restart-workers", { workers: [{}] }],
  ["restart-cluster", { force: true }],
])("POST actions/%s of %j is refused", async (name, body) => {
  const refused = await stage.post(`/api/v1/actions/${name}`, body);
  expect([refused.status, errorIn(refused).code]).toEqual([400, "FLOCK_OPTION_INVALID"]);
});

// The scheduler closes the connection for a malformed question, and all pages ask by one.
test.each([
  "tasks/x?by=id",
  "tasks/9007199254740991?by=id",
  "graph?task=9007199254740991",
  `profile?workers=${"x".repeat(2_000)}`,
])("GET %s is what no scheduler takes: it is refused here, and the link to it stays", async (path) => {
  const overview = stage.get("/api/v1/overview");
  const refused = await stage.get(`/api/v1/${path}`);
  expect([refused.status, errorIn(refused).code]).toEqual([400, "FLOCK_ARGUMENT_INVALID"]);
  expect((await overview).status).toBe(200);
  expect((await stage.get("/api/v1/overview")).status).toBe(200);
});

test("an action stands in the event log, with who did it", async () => {
  await stage.post("/api/v1/actions/restart-cluster", {}, TOKEN);
  const { items } = JSON.parse((await stage.get("/api/v1/events?limit=1000")).body);
  const texts = items.map(({ text }: { text: string }) => text);
  expect(texts).toContain("admin at 127.0.0.1 restarts the cluster");
  expect(items.some(({ kind }: { kind: string }) => kind === "clientJoined")).toBe(false);
});
