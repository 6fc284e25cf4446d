// What the audit log writes, and how much of it.

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ClientToScheduler, type Identity, oneToken } from "@taskflock/protocol";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SessionAudit } from "../src/admission/session-audit.ts";
import { AuditLog, audited } from "../src/audit-log.ts";

const ann: Identity = { user: "ann", role: "submitter" };
const logger = pino({ level: "silent" });
let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "taskflock-audit-"));
  file = join(folder, "deeper", "audit.log");
});
afterEach(() => rmSync(folder, { recursive: true }));

const lines = (): Record<string, unknown>[] =>
  readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
const facts = (): unknown[] => lines().map(({ action, what }) => [action, what]);
const said = (...messages: object[]): ClientToScheduler[] => messages as ClientToScheduler[];

test("is appended to, mode 0600, a line for each", async () => {
  for (const session of [1, 2]) {
    const log = new AuditLog(file, logger);
    log.write({ who: ann, address: "10.0.0.7:5", session, action: "connected", what: { client: "a\nb" } });
    await log.close();
  }
  expect(lines()).toHaveLength(2);
  const { time, ...rest } = lines()[0] ?? {};
  expect(Math.abs(Date.parse(String(time)) - Date.now())).toBeLessThan(60_000);
  expect(rest).toEqual({
    user: "ann",
    role: "submitter",
    address: "10.0.0.7:5",
    session: 1,
    action: "connected",
    what: { client: "a\nb" },
  });
  if (process.platform !== "win32") expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("counts what a session submits by run and function, and writes all that is left at its end", async () => {
  const log = new AuditLog(file, logger);
  const session = new SessionAudit(log, { id: 7, name: "search", who: ann, isObserver: false });
  session.connected("10.0.0.7:5", false);
  session.heard(
    said(
      { t: "function", fn: 1, name: "fit" },
      { t: "function", fn: 2, name: "score" },
      { t: "openRun", run: 3, name: "grid" },
      ...Array.from({ length: 500 }, () => ({ t: "submit", fn: 1, run: 3 })),
      { t: "submit", fn: 2, run: 3 },
      { t: "submit", fn: 1, run: 0 },
      { t: "scatter" },
      { t: "cancel", n: 5 },
      { t: "release", n: 5 },
      { t: "ask", id: 1, question: { q: "cluster" } },
      { t: "ask", id: 2, question: { q: "publish", name: "x", ns: [1, 2], override: false } },
      { t: "ask", id: 3, question: { q: "equip", kind: "plugin", name: "p", override: false } },
    ),
  );
  session.end("said goodbye");
  await log.close();
  expect(facts()).toEqual([
    ["connected", { client: "search" }],
    ["published", { name: "x", results: 2, override: false }],
    ["plugin", { name: "p", override: false }],
    ["submitted", { run: "grid", functions: { fit: 500, score: 1 } }],
    ["submitted", { run: "", functions: { fit: 1 } }],
    ["submitted", { data: 1 }],
    ["cancelled", { tasks: 1 }],
    ["left", { client: "search", how: "said goodbye" }],
  ]);
});

test("functions of very many names are counted as one line of bounded size", async () => {
  const log = new AuditLog(file, logger);
  const session = new SessionAudit(log, { id: 7, name: "odd", who: ann, isObserver: false });
  for (let fn = 1; fn <= 3_000; fn++) {
    session.heard(said({ t: "function", fn, name: `f${fn}` }, { t: "submit", fn, run: 0 }));
  }
  session.end("said goodbye");
  await log.close();
  const [first] = lines() as unknown as { what: { functions: Record<string, number> } }[];
  const functions = Object.entries(first!.what.functions);
  expect(functions).toHaveLength(1_001);
  expect(functions.reduce((sum, [, count]) => sum + count, 0)).toBe(3_000);
});

test("strangers do not fill the disk: refusals are written up to a number, and then counted", async () => {
  const log = new AuditLog(file, logger);
  const door = audited(oneToken("right"), log, (name) => name === "ann");
  expect(door.identify("right", "10.0.0.7:5")).toEqual({ user: "", role: "admin" });
  for (let n = 0; n < 1_000; n++) {
    expect(() => door.identify(n === 0 ? "ann:guess" : `secret-${n}:guess`, "10.0.0.7:5")).toThrow();
  }
  await log.close();
  expect(facts()[0]).toEqual(["refused", { code: "FLOCK_UNAUTHORIZED", name: "ann" }]);
  expect(facts()[1]).toEqual(["refused", { code: "FLOCK_UNAUTHORIZED" }]);
  expect(facts().at(-1)).toEqual(["refused", { more: 980 }]);
  expect(lines()).toHaveLength(21);
  expect(readFileSync(file, "utf8")).not.toMatch(/guess|secret/);
});

test("goes to the log, where that is wished; a file that cannot be opened is said", async () => {
  const written: string[] = [];
  const ordinary = pino({ level: "info" }, { write: (line: string) => written.push(line) });
  const log = new AuditLog("-", ordinary);
  log.write({ who: null, address: "", session: null, action: "refused", what: {} });
  await log.close();
  expect(JSON.parse(written[0] ?? "").audit).toMatchObject({ user: null, role: null, action: "refused" });
  writeFileSync(join(folder, "plain"), "");
  const impossible = (): AuditLog => new AuditLog(join(folder, "plain", "audit.log"), logger);
  expect(impossible).toThrow(expect.objectContaining({ code: "FLOCK_OPTION_INVALID" }));
});
