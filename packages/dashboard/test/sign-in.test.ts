// Who is let in, and how: tokens, the form, cookies, one-time codes.

import { WINDOW_MS } from "@taskflock/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CODE_MS } from "../server/auth/codes.ts";
import { MAX_SESSIONS, SESSION_MS, Sessions } from "../server/auth/sessions.ts";
import { safePath } from "../server/auth/sign-in.ts";
import { cookieIn, errorIn, Stage, SUBMITTER_TOKEN, TOKEN, VIEWER_TOKEN } from "./dashboard-stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.start();
});
afterAll(() => stage.close());
// Wrong tokens of one test are forgotten in the next.
beforeEach(() => {
  stage.now += WINDOW_MS;
});

/** A link in a page of another site, followed. */
const fromElsewhere = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };

const makeCode = async (): Promise<string> => JSON.parse((await stage.post("/api/v1/codes", {})).body).code;

describe("without sign-in", () => {
  test("there are only the form, the page's files, health and, on loopback, metrics", async () => {
    expect(await stage.get("/health", null)).toMatchObject({ status: 200 });
    expect(JSON.parse((await stage.get("/health", null)).body)).toEqual({
      status: "ok",
      scheduler: stage.scheduler.id,
      connected: true,
    });
    expect((await stage.get("/metrics", null)).body).toContain("taskflock_");
    expect((await stage.get("/sign-in", null)).body).toContain("sign in");
    expect((await stage.get("/status/assets/app-1234.js", null)).status).toBe(200);
    expect((await stage.get("/status/assets/../index.html", null)).status).toBe(404);
    for (const path of ["/api/v1/cluster", "/api/v1/openapi.json", "/api/v1/me"]) {
      const refused = await stage.get(path, null);
      expect([path, refused.status, errorIn(refused).code]).toEqual([path, 401, "FLOCK_UNAUTHORIZED"]);
      expect(refused.headers["www-authenticate"]).toBe('Bearer realm="taskflock"');
    }
    expect((await stage.get("/api/v1/nothing", null)).status).toBe(401);
  });

  test("the page leads to the form, and the form back", async () => {
    const led = await stage.get("/status/tasks?text=a%20b", null);
    expect([led.status, led.headers.location]).toEqual([303, "/sign-in?to=%2Fstatus%2Ftasks%3Ftext%3Da%2520b"]);
    const back = await stage.form("/sign-in", { token: TOKEN, to: "/status/tasks?text=a%20b" });
    expect([back.status, back.headers.location]).toEqual([303, "/status/tasks?text=a%20b"]);
    expect((await stage.send("/status", { headers: { cookie: cookieIn(back) } })).body).toContain("<title>page");
  });
});

describe("tokens", () => {
  test("of both roles are taken, others are not", async () => {
    expect(JSON.parse((await stage.get("/api/v1/me")).body)).toEqual({ user: "", role: "admin", signedIn: false });
    expect(JSON.parse((await stage.get("/api/v1/me", VIEWER_TOKEN)).body)).toEqual({
      user: "vic",
      role: "viewer",
      signedIn: false,
    });
    for (const authorization of [
      "Bearer wrong",
      "Bearer",
      "Bearer  ",
      `Basic ${TOKEN}`,
      `Bearer ${TOKEN}x`,
      "rubbish",
    ]) {
      const refused = await stage.send("/api/v1/me", { headers: { authorization } });
      expect([authorization, refused.status]).toEqual([authorization, 401]);
    }
  });

  test("who guesses must wait, also with the right one; who is signed in need not", async () => {
    const cookie = await stage.signIn();
    for (let n = 0; n < 10; n++) expect((await stage.get("/api/v1/me", `wrong-${n}`)).status).toBe(401);
    const waits = await stage.get("/api/v1/me");
    expect([waits.status, waits.headers["retry-after"], errorIn(waits).code]).toEqual([
      429,
      "60",
      "FLOCK_UNAUTHORIZED",
    ]);
    expect((await stage.form("/sign-in", { token: TOKEN })).headers.location).toBe("/sign-in?why=wait&to=%2Fstatus");
    expect((await stage.send("/api/v1/me", { headers: { cookie } })).status).toBe(200);
    stage.now += WINDOW_MS;
    expect((await stage.get("/api/v1/me")).status).toBe(200);
  });
});

describe("the form", () => {
  test("sets a cookie that scripts cannot read and other sites do not send", async () => {
    const { status, headers } = await stage.form("/sign-in", { token: ` ${TOKEN}\n` });
    expect([status, headers.location]).toEqual([303, "/status"]);
    const cookie = new RegExp(
      `^taskflock_${stage.dashboard.port}=[\\w-]{43}; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict$`,
    );
    expect(headers["set-cookie"]?.[0]).toMatch(cookie);
    const behindTls = await stage.form("/sign-in", { token: TOKEN }, { "x-forwarded-proto": "https" });
    expect(behindTls.headers["set-cookie"]?.[0]).toMatch(/; Secure$/);
  });

  test("says when the token is wrong, and gives no cookie", async () => {
    const wrong = await stage.form("/sign-in", { token: "wrong", to: "/status/events" });
    expect([wrong.status, wrong.headers.location]).toEqual([303, "/sign-in?why=wrong&to=%2Fstatus%2Fevents"]);
    expect(wrong.headers["set-cookie"]).toBeUndefined();
    const scripted = await stage.post("/sign-in", { token: "wrong" }, null);
    expect([scripted.status, errorIn(scripted).code]).toEqual([401, "FLOCK_UNAUTHORIZED"]);
    expect((await stage.post("/sign-in", "", null)).status).toBe(400);
    expect((await stage.post("/sign-in", "[1", null)).status).toBe(400);
    expect((await stage.post("/sign-in", { token: [TOKEN] }, null)).status).toBe(401);
  });

  test("a viewer who signs in stays one", async () => {
    const cookie = await stage.signIn(VIEWER_TOKEN);
    const me = await stage.send("/api/v1/me", { headers: { cookie } });
    expect(JSON.parse(me.body)).toEqual({ user: "vic", role: "viewer", signedIn: true });
  });

  test("leads nowhere else", () => {
    for (const to of ["/status", "/status/tasks/7?x=1", "/api/v1/docs"]) expect(safePath(to)).toBe(to);
    const bad = [
      "//evil.example",
      "/\\evil.example",
      "https://evil.example",
      "javascript:alert(1)",
      "status",
      "",
      "/\t/evil",
    ];
    for (const to of [
      ...bad,
      "/%0d%0aSet-Cookie:x\r\n",
      "/./\\/evil.example",
      "/.//evil.example",
      "/sign-in?to=/sign-in",
      null,
      ["/status"],
    ]) {
      expect([to, safePath(to)]).toEqual([to, "/status"]);
    }
  });
});

describe("sessions", () => {
  test("end after twelve hours without use, and live on with it", async () => {
    const cookie = await stage.signIn();
    const status = async (): Promise<number> => (await stage.send("/api/v1/me", { headers: { cookie } })).status;
    stage.now += SESSION_MS - 1;
    const used = await stage.send("/api/v1/me", { headers: { cookie } });
    expect([used.status, cookieIn(used)]).toEqual([200, cookie]);
    stage.now += SESSION_MS - 1;
    expect(await status()).toBe(200);
    stage.now += SESSION_MS;
    expect(await status()).toBe(401);
  });

  test("end with signing out", async () => {
    const cookie = await stage.signIn();
    const out = await stage.form("/sign-out", {}, { cookie });
    expect([out.status, out.headers.location]).toEqual([303, "/sign-in"]);
    expect(out.headers["set-cookie"]?.at(-1)).toMatch(/=; Path=\/; Max-Age=0;/);
    expect((await stage.send("/api/v1/me", { headers: { cookie } })).status).toBe(401);
    const again = await stage.signIn();
    expect((await stage.post("/sign-out", {}, null, { cookie: again, origin: stage.origin })).status).toBe(204);
  });

  test("are forgotten, the one not used for longest first, when there are very many", () => {
    const sessions = new Sessions(() => 0);
    const admin = { user: "root", role: "admin" } as const;
    const viewer = { user: "vic", role: "viewer" } as const;
    const first = sessions.begin(admin);
    const second = sessions.begin(viewer);
    for (let n = 2; n < MAX_SESSIONS; n++) sessions.begin(viewer);
    expect(sessions.use(first)).toBe(admin);
    sessions.begin(viewer);
    expect(sessions.use(first)).toBe(admin);
    expect(sessions.use(second)).toBeNull();
  });

  test("of rubbish in the cookie there are none", async () => {
    const name = `taskflock_${stage.dashboard.port}`;
    for (const value of ["", "x", "a".repeat(5_000), "%00", `${"A".repeat(43)}`, "__proto__"]) {
      expect((await stage.send("/api/v1/me", { headers: { cookie: `${name}=${value}` } })).status).toBe(401);
    }
  });
});

describe("a one-time code", () => {
  test("signs in once, and leaves the address", async () => {
    const code = await makeCode();
    const used = await stage.get(`/status/workers?code=${code}&sort=cpu`, null);
    expect([used.status, used.headers.location]).toEqual([303, "/status/workers?sort=cpu"]);
    const me = await stage.send("/api/v1/me", { headers: { cookie: cookieIn(used) } });
    expect(JSON.parse(me.body)).toEqual({ user: "", role: "admin", signedIn: true });
    const reused = await stage.get(`/status/workers?code=${code}`, null);
    expect(reused.headers.location).toBe("/sign-in?why=code&to=%2Fstatus%2Fworkers");
    expect(reused.headers["set-cookie"]).toBeUndefined();
  });

  test("is worth nothing after ten minutes", async () => {
    const code = await makeCode();
    stage.now += CODE_MS;
    expect((await stage.get(`/status?code=${code}`, null)).headers.location).toMatch(/why=code/);
  });

  test("is of one's own role; an admin's can be for viewers", async () => {
    expect((await stage.post("/api/v1/codes", { role: "admin" }, VIEWER_TOKEN)).status).toBe(403);
    const own = JSON.parse((await stage.post("/api/v1/codes", {}, SUBMITTER_TOKEN)).body);
    const shown = { headers: { cookie: cookieIn(await stage.get(own.path, null)) } };
    expect(JSON.parse((await stage.send("/api/v1/me", shown)).body)).toMatchObject({ user: "ann", role: "submitter" });
    expect((await stage.post("/api/v1/codes", {}, null)).status).toBe(401);
    const { body } = await stage.post("/api/v1/codes", { role: "viewer" });
    const { path, code, validMs } = JSON.parse(body);
    expect([path, validMs]).toEqual([`/status?code=${code}`, CODE_MS]);
    const me = await stage.send("/api/v1/me", { headers: { cookie: cookieIn(await stage.get(path, null)) } });
    expect(JSON.parse(me.body).role).toBe("viewer");
  });

  test("that is guessed counts as a wrong token", async () => {
    for (let n = 0; n < 10; n++) await stage.get(`/status?code=guess-${n}`, null);
    const code = stage.dashboard.link().split("code=")[1];
    expect((await stage.get(`/status?code=${code}`, null)).headers.location).toMatch(/why=wait/);
    stage.now += WINDOW_MS;
    expect((await stage.get(`/status?code=${code}`, null)).headers.location).toBe("/status");
  });

  test("who is signed in needs none", async () => {
    const cookie = await stage.signIn();
    const shown = await stage.send("/status/runs?code=old", { headers: { cookie } });
    expect(shown.headers.location).toBe("/status/runs");
  });

  test("from another site's page the browser is led on by a page of ours, so that it shows its cookie", async () => {
    const code = await makeCode();
    const used = await stage.get(`/status?code=${code}`, null, fromElsewhere);
    expect([used.status, used.headers.location]).toEqual([200, undefined]);
    expect(used.body).toContain('content="0;url=/status"');
    expect(cookieIn(used)).not.toBe("");
    const odd = await stage.get("/status/tasks?text=%22%3E", null, fromElsewhere);
    expect(odd.body).toContain('content="0;url=/status/tasks?text=%22%3E"');
  });
});
