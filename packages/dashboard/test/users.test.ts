// Users on the page: in the scheduler's process, and in one of its own that asks the scheduler.

import { once } from "node:events";
import { WINDOW_MS } from "@taskflock/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { ByLink } from "../server/auth/by-link.ts";
import { ADMIN_TOKEN, cookieIn, Stage, SUBMITTER_TOKEN, TOKEN, VIEWER_TOKEN } from "./dashboard-stage.ts";

let stage: Stage;

describe.each([
  ["in the scheduler's process", false],
  ["in a process of its own", true],
])("a page %s", (_, isAlone) => {
  beforeEach(async () => {
    stage = await Stage.start({}, "127.0.0.1", isAlone);
  });
  afterEach(() => stage.close());

  const me = async (headers: Readonly<Record<string, string>>): Promise<unknown> => {
    const { status, body } = await stage.send("/api/v1/me", { headers });
    return status === 200 ? JSON.parse(body) : status;
  };

  test("signs in with a name and a password, or both as one", async () => {
    const [name = "", password = ""] = SUBMITTER_TOKEN.split(":");
    for (const fields of [
      { name, token: password },
      { name: ` ${name} `, token: password },
      { token: SUBMITTER_TOKEN },
    ]) {
      const cookie = cookieIn(await stage.form("/sign-in", fields as Record<string, string>));
      expect(await me({ cookie })).toEqual({ user: "ann", role: "submitter", signedIn: true });
    }
    expect(await me({ authorization: `Bearer ${ADMIN_TOKEN}` })).toEqual({
      user: "root",
      role: "admin",
      signedIn: false,
    });
    expect(await me({ authorization: `Bearer ${TOKEN}` })).toEqual({ user: "", role: "admin", signedIn: false });
    const wrong: Record<string, string>[] = [
      { name, token: "wrong-password" },
      { name: "nobody", token: password },
      { name, token: TOKEN },
      { name, token: "" },
    ];
    for (const fields of wrong) {
      const refused = await stage.form("/sign-in", fields);
      expect([fields, refused.headers.location]).toEqual([fields, "/sign-in?why=wrong&to=%2Fstatus"]);
      expect(refused.headers["set-cookie"]).toBeUndefined();
    }
    expect(JSON.parse((await stage.post("/sign-in", { name, token: password }, null)).body)).toEqual({
      user: "ann",
      role: "submitter",
      to: "/status",
    });
  });

  test("ends the sessions, links and streams of a user who is removed, and nobody else's", async () => {
    const gone = await stage.signIn(VIEWER_TOKEN);
    const stays = await stage.signIn(SUBMITTER_TOKEN);
    const { path } = JSON.parse((await stage.post("/api/v1/codes", {}, VIEWER_TOKEN)).body);
    const socket = new WebSocket(`ws://127.0.0.1:${stage.dashboard.port}/api/v1/stream`, {
      headers: { authorization: `Bearer ${VIEWER_TOKEN}` },
    });
    await once(socket, "open");
    const closed = once(socket, "close");
    stage.keepUsers("ann", "root");
    const [code] = (await closed) as [number];
    expect(code).toBe(1008);
    expect(await me({ cookie: gone })).toBe(401);
    expect(await me({ authorization: `Bearer ${VIEWER_TOKEN}` })).toBe(401);
    expect((await stage.get(path, null)).headers.location).toMatch(/why=code/);
    expect(await me({ cookie: stays })).toMatchObject({ user: "ann" });
    expect(await me({ authorization: `Bearer ${TOKEN}` })).toMatchObject({ role: "admin" });
  });

  test("writes down who signed in, was refused, acted and left", async () => {
    const cookie = cookieIn(await stage.form("/sign-in", { token: ADMIN_TOKEN }));
    const ours = { cookie, origin: stage.origin };
    await stage.form("/sign-in", { token: "root:wrong-password" });
    await stage.post("/api/v1/actions/cancel", { run: 7 }, null, ours);
    await stage.post("/api/v1/actions/cancel", { run: 7 }, SUBMITTER_TOKEN);
    await stage.get("/api/v1/overview", "a wrong token");
    await stage.post("/api/v1/codes", { role: "viewer" }, null, ours);
    await stage.post("/sign-out", {}, null, ours);
    const root = { who: { user: "root", role: "admin" }, address: "127.0.0.1", session: null };
    const ann = { ...root, who: { user: "ann", role: "submitter" } };
    expect(stage.audited).toEqual([
      { ...root, action: "signed in", what: { page: true } },
      { ...root, who: null, action: "refused", what: { page: true, code: "FLOCK_UNAUTHORIZED" } },
      { ...root, action: "cancelled", what: { page: true, run: 7, action: "cancel" } },
      { ...ann, action: "forbidden", what: { page: true, asked: "/api/v1/actions/cancel" } },
      { ...root, who: null, action: "refused", what: { page: true, code: "FLOCK_UNAUTHORIZED" } },
      { ...root, action: "made link", what: { page: true, role: "viewer" } },
      { ...root, action: "signed out", what: { page: true } },
    ]);
  });

  test("lets nobody guess for long", async () => {
    for (let n = 0; n < 10; n++) await stage.form("/sign-in", { token: `ann:guess-number-${n}` });
    const waits = await stage.form("/sign-in", { token: SUBMITTER_TOKEN });
    expect(waits.headers.location).toBe("/sign-in?why=wait&to=%2Fstatus");
    stage.now += WINDOW_MS;
    // The scheduler's own clock goes on as ever, and it counts the name.
    expect((await stage.form("/sign-in", { token: SUBMITTER_TOKEN })).headers.location).toMatch(/why=wait/);
    expect((await stage.form("/sign-in", { token: VIEWER_TOKEN })).headers.location).toBe("/status");
  });
});

test("a page of its own whose scheduler is gone says so, and lets in whom it knows", async () => {
  stage = await Stage.start({}, "127.0.0.1", true);
  expect((await stage.get("/api/v1/overview", VIEWER_TOKEN)).status).toBe(200);
  await stage.scheduler.close();
  await expect.poll(async () => (await stage.get("/api/v1/overview", VIEWER_TOKEN)).status).toBe(503);
  expect((await stage.form("/sign-in", { token: SUBMITTER_TOKEN })).headers.location).toBe(
    "/sign-in?why=down&to=%2Fstatus",
  );
  await stage.close();
});

test("wrong tokens, however many at once, take nobody's place at a page of its own", async () => {
  stage = await Stage.start({}, "127.0.0.1", true);
  const { address } = stage.scheduler;
  const asker = new ByLink({ address, own: () => TOKEN, ownIdentity: async () => null, maxKnown: 1 });
  const revoked: string[] = [];
  asker.onRevoked((users) => revoked.push(...users));
  expect(await asker.identify(SUBMITTER_TOKEN)).toMatchObject({ user: "ann", role: "submitter" });
  const guesses = Array.from({ length: 100 }, (_, n) => asker.identify(`guess-${n}`).catch(({ code }) => code));
  expect(new Set(await Promise.all(guesses))).toEqual(new Set(["FLOCK_UNAUTHORIZED", "FLOCK_TRY_LATER"]));
  expect(revoked).toEqual([]);
  expect(await asker.identify(VIEWER_TOKEN)).toMatchObject({ user: "vic", role: "viewer" });
  expect(revoked).toEqual(["ann"]);
  await asker.close();
  await stage.close();
});
