// Every route that the app has, as the app itself lists them, with no token, with wrong ones and with each role's, as header and as cookie.

import { once } from "node:events";
import { WINDOW_MS } from "@taskflock/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { type App, type AppRoute, createApp } from "../server/app.ts";
import { Codes } from "../server/auth/codes.ts";
import { ADMIN_TOKEN, Stage, SUBMITTER_TOKEN, TOKEN, VIEWER_TOKEN, WORKER_TOKEN } from "./dashboard-stage.ts";

/**
 * `free`: no token is asked for. `page`: who has none is led to the form. `look`: every role. `act`: admins. A route that is not here fails
 * the test: say who may ask for it.
 */
const access: Readonly<Record<string, "free" | "page" | "look" | "act">> = {
  "GET /": "page",
  "GET /status": "page",
  "GET /status/*": "page",
  "GET /status/assets/*": "free",
  "GET /health": "free",
  "GET /metrics": "free",
  "GET /sign-in": "free",
  "POST /sign-in": "free",
  "POST /sign-out": "free",
  "GET /api/v1/docs": "page",
  "GET /api/v1/docs/show.js": "look",
  "GET /api/v1/docs/:name": "look",
  "GET /api/v1/openapi.json": "look",
  "GET /api/v1/me": "look",
  "POST /api/v1/codes": "look",
  "GET /api/v1/cluster": "look",
  "GET /api/v1/overview": "look",
  "GET /api/v1/workers": "look",
  "GET /api/v1/workers/:name": "look",
  "GET /api/v1/gone-workers": "look",
  "GET /api/v1/transfers": "look",
  "GET /api/v1/events": "look",
  "GET /api/v1/logs": "look",
  "GET /api/v1/tasks": "look",
  "GET /api/v1/tasks/:id": "look",
  "GET /api/v1/failures": "look",
  "GET /api/v1/graph": "look",
  "GET /api/v1/runs": "look",
  "GET /api/v1/runs/:run": "look",
  "GET /api/v1/runs/:run/details": "look",
  "GET /api/v1/searches/:run": "look",
  "GET /api/v1/searches/:run.csv": "look",
  "GET /api/v1/trainings/:run": "look",
  "GET /api/v1/trainings/:run.csv": "look",
  "GET /api/v1/profile": "look",
  "GET /api/v1/report": "look",
  "POST /api/v1/reports": "look",
  "GET /api/v1/reports/:id": "look",
  "POST /api/v1/actions/cancel": "act",
  "POST /api/v1/actions/retire": "act",
  "POST /api/v1/actions/restart-workers": "act",
  "POST /api/v1/actions/restart-cluster": "act",
};

const bodies: Readonly<Record<string, unknown>> = {
  "/api/v1/actions/cancel": { run: 7 },
  "/api/v1/actions/retire": { workers: ["nobody"] },
  "/api/v1/actions/restart-workers": { workers: ["nobody"] },
};

let stage: Stage;
let app: App;
beforeAll(async () => {
  stage = await Stage.start();
  const scheduler = { address: stage.scheduler.address, here: stage.scheduler };
  app = await createApp({ host: "127.0.0.1", scheduler, token: TOKEN }, new Codes(Date.now));
});
afterAll(async () => {
  await app.close();
  await stage.close();
});
beforeEach(() => {
  stage.now += WINDOW_MS;
});

const named = (route: AppRoute): string[] => route.methods.map((method) => `${method} ${route.path}`);
const isRead = (name: string): boolean => name.startsWith("HEAD ");

interface Shown {
  readonly authorization?: string;
  readonly cookie?: string;
  readonly origin?: string;
}

async function ask(name: string, shown: Shown): Promise<number> {
  const [method = "", path = ""] = name.split(" ");
  const url = path.replace(/:\w+|\*/g, "1").replace(/\/profile$/, "/profile?seconds=0.1");
  if (method !== "POST") return (await stage.send(url, { method, headers: { ...shown } })).status;
  const headers = { "content-type": "application/json", ...shown };
  return (await stage.send(url, { method, headers, body: JSON.stringify(bodies[path] ?? {}) })).status;
}

const bearer = (token: string): Shown => ({ authorization: `Bearer ${token}` });

test("every route has its rule, and every rule its route", () => {
  const names = app.routes.flatMap(named).filter((name) => !isRead(name));
  expect([...new Set(names)].sort()).toEqual(Object.keys(access).sort());
  const rules = app.routes.flatMap((route) =>
    named(route).map((name) => [name.replace("HEAD ", "GET "), route.config] as const),
  );
  for (const [name, { isFree = false, isPage = false, isAction = false }] of rules) {
    const rule = isFree ? "free" : isPage ? "page" : isAction ? "act" : "look";
    expect([name, rule]).toEqual([name, access[name]]);
  }
});

describe.each(Object.entries(access))("%s (%s)", (name, rule) => {
  const looks = [VIEWER_TOKEN, SUBMITTER_TOKEN, WORKER_TOKEN];

  test("without a token, and with a wrong one", async () => {
    const none = await ask(name, {});
    if (rule === "free") return expect([401, 403]).not.toContain(name === "POST /sign-in" ? 200 : none);
    expect(none).toBe(rule === "page" ? 303 : 401);
    for (const token of ["wrong", `nobody-at ${name}:the-viewer's-password`, ""]) {
      expect([token, await ask(name, bearer(token))]).toEqual([token, 401]);
    }
    const [cookieName] = (await stage.signIn()).split("=");
    expect(await ask(name, { cookie: `${cookieName}=${"A".repeat(43)}`, origin: stage.origin })).toBe(none);
  });

  test("with each role's", async () => {
    for (const token of looks) {
      const status = await ask(name, bearer(token));
      if (rule === "act") expect([token, status]).toEqual([token, 403]);
      else if (name !== "POST /sign-in") expect([401, 403, 429]).not.toContain(status);
      const cookie = await stage.signIn(token);
      const signedIn = await ask(name, { cookie, origin: stage.origin });
      if (rule === "act") expect([token, signedIn]).toEqual([token, 403]);
      else if (name !== "POST /sign-in") expect([401, 403, 429]).not.toContain(signedIn);
    }
    for (const token of [ADMIN_TOKEN, TOKEN]) {
      if (name === "POST /sign-in") continue; // what it is shown stands in its body
      expect([401, 403, 429]).not.toContain(await ask(name, bearer(token)));
    }
    if (!name.startsWith("POST") || rule === "free") return;
    // A form of another site's page would show the cookie, too.
    expect(await ask(name, { cookie: await stage.signIn(ADMIN_TOKEN) })).toBe(403);
    expect(await ask(name, { cookie: await stage.signIn(ADMIN_TOKEN), origin: "http://evil.example" })).toBe(403);
  });
});

test("every stream, without a token, with wrong ones and with each role's", async () => {
  expect(app.streams).toEqual(["/api/v1/stream"]);
  const open = async (path: string, headers: Shown): Promise<number> => {
    const socket = new WebSocket(`ws://127.0.0.1:${stage.dashboard.port}${path}`, { headers: { ...headers } });
    const opened = once(socket, "open").then(() => 101);
    const refused = once(socket, "unexpected-response").then(([, { statusCode }]) => statusCode as number);
    const status = await Promise.race([opened, refused]);
    for (const loser of [opened, refused]) loser.catch(() => undefined);
    socket.on("error", () => undefined);
    socket.terminate();
    return status;
  };
  for (const path of app.streams) {
    expect(await open(path, {})).toBe(401);
    for (const token of ["wrong", "vic:wrong-password", ""]) expect(await open(path, bearer(token))).toBe(401);
    for (const token of [VIEWER_TOKEN, SUBMITTER_TOKEN, WORKER_TOKEN, ADMIN_TOKEN, TOKEN]) {
      expect([token, await open(path, bearer(token))]).toEqual([token, 101]);
      const cookie = await stage.signIn(token);
      expect(await open(path, { cookie, origin: stage.origin })).toBe(101);
      expect(await open(path, { cookie })).toBe(403);
      expect(await open(path, { cookie, origin: "http://evil.example" })).toBe(403);
    }
  }
});
