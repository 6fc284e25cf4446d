// Reports over HTTP, of a real scheduler: who may have them, and what is refused.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MOST_REPORTS } from "../server/report/reports.ts";
import { Stage, VIEWER_TOKEN } from "./dashboard-stage.ts";

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.start();
});
afterAll(() => stage?.close());

const idOf = (body: string): string => (JSON.parse(body) as { id: string }).id;

describe("reports over HTTP", () => {
  it("are collected until they are fetched, once", async () => {
    const begun = await stage.post("/api/v1/reports", { title: "night", seconds: 60 });
    expect(begun.status).toBe(201);
    const path = `/api/v1/reports/${idOf(begun.body)}`;
    const { status, headers, body } = await stage.get(path);
    expect(status).toBe(200);
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    // Shown here, its script would have this server as its origin: it is saved, and our own policy forbids inline scripts.
    expect(headers["content-disposition"]).toMatch(/^attachment; filename="taskflock-report-[\dT-]+\.html"$/);
    expect(headers["content-security-policy"]).toContain("script-src 'self'");
    expect(body).toMatch(/^<!doctype html>/);
    expect(body).toContain('"title":"night"');
    expect(await stage.get(path)).toMatchObject({ status: 404, body: expect.stringContaining("FLOCK_REPORT_UNKNOWN") });
  });

  it("may be had by viewers, and by nobody without a token", async () => {
    const begun = await stage.post("/api/v1/reports", {}, VIEWER_TOKEN);
    expect((await stage.get(`/api/v1/reports/${idOf(begun.body)}`, VIEWER_TOKEN)).status).toBe(200);
    expect((await stage.get("/api/v1/report?title=now", VIEWER_TOKEN)).status).toBe(200);
    expect((await stage.get("/api/v1/report", null)).status).toBe(401);
    expect((await stage.post("/api/v1/reports", {}, null)).status).toBe(401);
    expect((await stage.get("/api/v1/reports/any", "wrong")).status).toBe(401);
  });

  it("are refused with what was wrong", async () => {
    for (const body of [{ seconds: 0 }, { seconds: 86_401 }, { title: "x".repeat(513) }, { unknown: 1 }, "{"]) {
      expect((await stage.post("/api/v1/reports", body)).status, JSON.stringify(body)).toBe(400);
    }
    expect((await stage.get("/api/v1/reports/nothing")).status).toBe(404);
    expect((await stage.get("/api/v1/report?titel=x")).status).toBe(400);
  });

  it("are few at a time", async () => {
    const begun: string[] = [];
    for (let count = 0; count < MOST_REPORTS; count++) begun.push((await stage.post("/api/v1/reports", {})).body);
    expect(await stage.post("/api/v1/reports", {})).toMatchObject({
      status: 429,
      body: expect.stringContaining("FLOCK_REPORTS_FULL"),
    });
    expect((await stage.get(`/api/v1/reports/${idOf(begun[0] ?? "")}`)).status).toBe(200);
    expect((await stage.post("/api/v1/reports", {})).status).toBe(201);
  });
});
