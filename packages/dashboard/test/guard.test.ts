// Pages of other sites, other hosts, forged actions; and what else a server on a network meets.

import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startDashboard } from "../server/server.ts";
import { errorIn, Stage, TOKEN, VIEWER_TOKEN } from "./dashboard-stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.start();
});
afterAll(() => stage.close());

test("on loopback, only loopback's names are served", async () => {
  for (const host of ["localhost:8787", "127.0.0.1", "[::1]:1", "LOCALHOST"]) {
    expect((await stage.get("/api/v1/me", TOKEN, { host })).status).toBe(200);
  }
  for (const host of ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io:8787"]) {
    const refused = await stage.get("/health", TOKEN, { host });
    expect([host, refused.status, errorIn(refused).code]).toEqual([host, 421, "FLOCK_REQUEST_REFUSED"]);
  }
});

test("names can be allowed, and then no others are", async () => {
  const behindProxy = await Stage.start({ allowedHosts: ["Cluster.example"] });
  expect((await behindProxy.get("/api/v1/me", TOKEN, { host: "cluster.example:443" })).status).toBe(200);
  const origin = "https://cluster.example";
  expect((await behindProxy.get("/api/v1/me", TOKEN, { host: "cluster.example", origin })).status).toBe(200);
  expect((await behindProxy.get("/api/v1/me", TOKEN, { host: "other.example" })).status).toBe(421);
  await behindProxy.close();
  const open = await Stage.start({}, "0.0.0.0");
  expect((await open.get("/api/v1/me", TOKEN, { host: "any.example" })).status).toBe(200);
  expect((await open.get("/metrics", null)).status).toBe(401);
  expect((await open.get("/metrics", VIEWER_TOKEN)).status).toBe(200);
  expect((await open.get("/health", null)).status).toBe(200);
  await open.close();
});

test("requests from pages of other sites are refused, whatever they show", async () => {
  for (const origin of [
    "http://evil.example",
    "null",
    `http://127.0.0.1:${stage.dashboard.port + 1}`,
    "http://localhost",
  ]) {
    const refused = await stage.get("/api/v1/me", TOKEN, { origin });
    expect([origin, refused.status, errorIn(refused).code]).toEqual([origin, 403, "FLOCK_REQUEST_REFUSED"]);
    expect((await stage.form("/sign-in", { token: TOKEN }, { origin })).status).toBe(403);
  }
  expect((await stage.get("/api/v1/me", TOKEN, { origin: stage.origin })).status).toBe(200);
});

test("what another site's page asks for by itself is refused; a link that somebody follows is not", async () => {
  const cookie = await stage.signIn();
  const ask = async (path: string, site: string, mode: string, dest: string): Promise<number> => {
    const headers = { cookie, "sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": dest };
    return (await stage.send(path, { headers })).status;
  };
  for (const site of ["cross-site", "same-site"]) {
    expect(await ask("/api/v1/cluster", site, "no-cors", "image")).toBe(403);
    expect(await ask("/status", site, "navigate", "iframe")).toBe(403);
    expect(await ask("/status", site, "navigate", "document")).toBe(200);
    // Nobody is kept out by wrong codes that a page of another site has in its images.
    for (let n = 0; n < 20; n++) expect(await ask(`/status?code=guess-${n}`, site, "no-cors", "image")).toBe(403);
  }
  expect((await stage.get("/api/v1/me")).status).toBe(200);
  expect(await ask("/api/v1/me", "same-origin", "cors", "empty")).toBe(200);
  expect(await ask("/status", "none", "navigate", "document")).toBe(200);
});

test("a proxy's own Authorization header is no wrong token", async () => {
  const cookie = await stage.signIn();
  const authorization = "Basic YWRhOnNlY3JldA==";
  expect((await stage.send("/api/v1/me", { headers: { authorization, cookie } })).status).toBe(200);
  for (let n = 0; n < 20; n++)
    expect((await stage.send("/api/v1/me", { headers: { authorization } })).status).toBe(401);
  expect((await stage.get("/api/v1/me")).status).toBe(200);
});

test("HEAD changes nothing: it uses up no code, and ends no report", async () => {
  const path = new URL(stage.dashboard.link());
  const looked = await stage.send(path.pathname + path.search, { method: "HEAD" });
  expect([looked.status, looked.headers["set-cookie"]]).toEqual([303, undefined]);
  expect((await stage.send(path.pathname + path.search, {})).headers["set-cookie"]).toHaveLength(1);
  const { id } = JSON.parse((await stage.post("/api/v1/reports", {})).body);
  const headers = { authorization: `Bearer ${TOKEN}` };
  for (const asked of [`/api/v1/reports/${id}`, "/api/v1/profile"])
    expect((await stage.send(asked, { method: "HEAD", headers })).status).toBe(404);
  // It is still there: a second answer would say that it is unknown.
  expect((await stage.get(`/api/v1/reports/${id}`)).body).not.toContain("FLOCK_REPORT_UNKNOWN");
  expect((await stage.get(`/api/v1/reports/${id}`)).body).toContain("FLOCK_REPORT_UNKNOWN");
});

test("an action with a cookie comes from our own page and is JSON; one with a token need not", async () => {
  const cookie = await stage.signIn();
  const act = async (headers: Readonly<Record<string, string>>): Promise<number> =>
    (await stage.send("/api/v1/codes", { method: "POST", headers: { cookie, ...headers }, body: "{}" })).status;
  expect(await act({ "content-type": "application/json" })).toBe(403);
  expect(await act({ origin: stage.origin, "content-type": "text/plain" })).toBe(403);
  expect(await act({ origin: stage.origin, "content-type": "application/x-www-form-urlencoded" })).toBe(403);
  expect(await act({ origin: stage.origin, "content-type": "application/json" })).toBe(200);
  const authorization = `Bearer ${TOKEN}`;
  expect((await stage.send("/api/v1/codes", { method: "POST", headers: { authorization } })).status).toBe(200);
  // A wrong token is no reason to look at the cookie.
  expect((await stage.get("/api/v1/me", "wrong", { cookie })).status).toBe(401);
});

test("every answer forbids what the page does not need", async () => {
  for (const path of ["/status", "/sign-in", "/health", "/nothing", "/api/v1/me", "/api/v1/docs"]) {
    const { headers } = await stage.get(path);
    expect(headers["content-security-policy"]).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    );
    expect(headers["x-content-type-options"]).toBe("nosniff");
    expect(headers["access-control-allow-origin"]).toBeUndefined();
  }
});

test("paths and methods that are not there are coded errors", async () => {
  const unknown = await stage.get("/nothing");
  expect([unknown.status, errorIn(unknown).code]).toEqual([404, "FLOCK_PATH_UNKNOWN"]);
  expect(errorIn(unknown).advice).toContain("/api/v1/docs");
  expect(
    (await stage.send("/status", { method: "DELETE", headers: { authorization: `Bearer ${TOKEN}` } })).status,
  ).toBe(404);
  expect((await stage.get("/status/assets/..%2Findex.html")).status).toBe(404);
  expect((await stage.get("/status/assets/")).status).toBe(404);
});

test("bodies that are rubbish, or too large, are refused", async () => {
  for (const body of ["{", "[]", "7", '{"role":"owner"}', '{"rool":"admin"}', '{"__proto__":{"role":"admin"}}']) {
    const refused = await stage.post("/api/v1/codes", body);
    expect([body, refused.status, errorIn(refused).code]).toEqual([body, 400, "FLOCK_OPTION_INVALID"]);
  }
  expect(errorIn(await stage.post("/api/v1/codes", { rool: "admin" })).message).toContain("rool");
  expect((await stage.post("/api/v1/codes", `{"role":"${"x".repeat(300_000)}"}`)).status).toBe(413);
  expect((await stage.post("/api/v1/codes", "<a/>", TOKEN, { "content-type": "text/xml" })).status).toBe(415);
  expect(stage.errors).toEqual([]);
});

test("upgrades to what is not there, or of nobody, are refused", async () => {
  const upgrade = (path: string, headers: readonly string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(stage.dashboard.port, "127.0.0.1");
      const lines = [
        `GET ${path} HTTP/1.1`,
        "Host: localhost",
        "Connection: Upgrade",
        "Upgrade: websocket",
        ...headers,
      ];
      socket.on("error", reject).on("data", (data) => resolve(data.toString().split("\r\n")[0] ?? ""));
      socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    });
  expect(await upgrade("/api/v1/nothing", [])).toContain("404");
});

test("who is refused an upgrade is let go, also when they do not hang up", async () => {
  const socket = connect({ port: stage.dashboard.port, host: "127.0.0.1", allowHalfOpen: true });
  socket.write("GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  await new Promise((resolve) => socket.on("end", resolve).resume());
  // The server's side is gone only if the system answers further bytes with a reset.
  const gone = new Promise((resolve) => socket.on("error", resolve));
  const more = setInterval(() => socket.write("x"), 10);
  expect(await gone).toMatchObject({ code: expect.stringMatching(/EPIPE|ECONNRESET/) });
  clearInterval(more);
});

test("a taken port is a coded error, and so is a host that is not this machine's", async () => {
  const { port } = stage.dashboard;
  await expect(startDashboard({ host: "127.0.0.1", port, portFlag: "--dashboard-port" })).rejects.toMatchObject({
    code: "FLOCK_PORT_IN_USE",
    message: expect.stringContaining("--dashboard-port"),
  });
  await expect(startDashboard({ host: "192.0.2.1", port: 0 })).rejects.toMatchObject({ code: "FLOCK_ADDRESS_INVALID" });
});

test("a dashboard that was never told whom it serves can be closed, also while somebody waits", async () => {
  const dashboard = await startDashboard({ host: "127.0.0.1", port: 0 });
  const socket = connect(dashboard.port, "127.0.0.1");
  const cut = new Promise((resolve) => socket.on("error", () => undefined).on("close", resolve));
  await new Promise<void>((sent) => socket.write("GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n", () => sent()));
  await dashboard.close();
  await cut;
});
