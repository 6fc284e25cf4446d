// Users and roles with real processes: who may join, submit, look and manage; what becomes of them when they are removed; and the audit log
// of it all.

import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { importFrom } from "@taskflock/protocol/code";
import { Client } from "taskflock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Role, startRole, taskflock } from "./processes.ts";

let folder: string;
let usersFile: string;
let auditLog: string;
let scheduler: Role;
let worker: Role;
let admin: Client;

const tokenOf = (name: string): string => join(folder, `token-of-${name}`);

async function add(name: string, role: string): Promise<void> {
  const token = ["--generate", "--token-file", tokenOf(name)];
  const { code, stderr, stdout } = await taskflock([
    "user",
    "add",
    name,
    "--role",
    role,
    ...token,
    "--users-file",
    usersFile,
  ]);
  expect([code, stderr, stdout]).toEqual([0, "", ""]);
}

function connect(user: string, name = user): Promise<Client> {
  const options = { tokenFile: tokenOf(user), logs: "ignore", packages: "installed", name } as const;
  return Client.connect(scheduler.ready.address, options);
}

interface Line {
  readonly time: string;
  readonly user: string | null;
  readonly role: string | null;
  readonly address: string;
  readonly session: number | null;
  readonly action: string;
  readonly what: Readonly<Record<string, unknown>>;
}

const lines = (): Line[] =>
  readFileSync(auditLog, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);

/** Counts are written once a second, users read twice in one. */
async function until<T>(read: () => T | undefined | false): Promise<T> {
  for (;;) {
    const value = read();
    if (value !== undefined && value !== false) return value;
    await sleep(25);
  }
}

const inc = (n: number): number => n + 1;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "taskflock-users-"));
  usersFile = join(folder, "users");
  auditLog = join(folder, "audit.log");
  await add("ann", "submitter");
  await Promise.resolve()
    .then(() => add("vic", "viewer"))
    .then(() => add("crew", "worker"))
    .then(() => add("root", "admin"));
  const files = ["--users-file", usersFile, "--audit-log", auditLog];
  scheduler = await startRole(["scheduler", "--port", "0", "--dashboard-port", "0", ...files, "--log-level", "silent"]);
  const flags = ["--token-file", tokenOf("crew"), "--threads", "2", "--log-level", "silent"];
  worker = await startRole(["worker", scheduler.ready.address, "--name", "w", ...flags]);
  admin = await connect("root");
});
afterAll(async () => {
  await admin?.close();
  await worker?.stop();
  await scheduler?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe("roles", () => {
  test("a submitter submits to workers that a worker's token let in, and manages nothing", async () => {
    await using ann = await connect("ann");
    expect(ann.identity).toEqual({ user: "ann", role: "submitter" });
    expect(await ann.submit(inc, [1]).result()).toBe(2);
    // What a task submits, it submits with its worker's token.
    const { work } = (await importFrom(import.meta.dirname, "./coordination-tasks.mjs")) as {
      readonly work: (name: string) => Promise<string>;
    };
    await ann.queue("numbers").put(6);
    await ann.submit(work, ["numbers"]).result();
    expect(await ann.queue("numbers out").get()).toBe(36);
    const big = ann.submit(() => new Uint8Array(3_000_000).fill(7), []);
    expect(((await big.result()) as Uint8Array)[2_999_999]).toBe(7); // over the worker's peer port
    for (const managing of [ann.retireWorkers(["w"]), ann.restart(), ann.restartWorkers(["w"])]) {
      await expect(managing).rejects.toMatchObject({
        code: "FLOCK_FORBIDDEN",
        message: expect.stringMatching(
          /^User ann has the role submitter and may not ask .*: that takes the role admin\.$/,
        ),
      });
    }
    expect(await ann.submit(inc, [2]).result()).toBe(3);
  });

  test("a viewer looks; what they submit is refused where they call", async () => {
    await using vic = await connect("vic");
    expect((await vic.cluster()).workers).toHaveLength(1);
    const refusal = { code: "FLOCK_FORBIDDEN", message: expect.stringContaining("User vic has the role viewer") };
    expect(() => vic.submit(inc, [1])).toThrow(expect.objectContaining(refusal));
    expect(() => vic.map(inc, [1, 2])).toThrow(expect.objectContaining(refusal));
    expect(() => vic.run("mine")).toThrow(expect.objectContaining(refusal));
    await expect(vic.scatter([1])).rejects.toMatchObject(refusal);
    await expect(vic.queue("q").put(1)).rejects.toMatchObject(refusal);
    expect((await vic.cluster()).workers).toHaveLength(1);
  });

  test("only workers' and admins' tokens join as workers", async () => {
    for (const name of ["ann", "vic"]) {
      const flags = ["--token-file", tokenOf(name), "--log-level", "silent"];
      const { code, stderr } = await taskflock(["worker", scheduler.ready.address, "--no-nanny", ...flags]);
      expect([name, code]).toEqual([name, 1]);
      expect(stderr).toMatch(/may not connect as a worker: that takes the role admin or worker\. \(FLOCK_FORBIDDEN\)/);
    }
  });

  test("a wrong password and an unknown name are told alike", async () => {
    const { address } = scheduler.ready;
    const refusals: string[] = [];
    for (const token of ["ann:wrong-password", "nobody:wrong-password"]) {
      const refused = Client.connect(address, { token }).catch((error) => error);
      const { code, message } = (await refused) as { code: string; message: string };
      expect(code).toBe("FLOCK_UNAUTHORIZED");
      refusals.push(message);
    }
    expect(new Set(refusals).size).toBe(1);
    expect((await until(() => lines().find(({ what }) => what["name"] === "ann"))).action).toBe("refused");
    expect(lines().some(({ what }) => what["name"] === "nobody")).toBe(false);
  });
});

describe("a user who", () => {
  test("is removed, has another role or password, is so at once", async () => {
    await add("tmp", "viewer");
    const again = async (): Promise<Client> => {
      for (;;) {
        const client = await connect("tmp").catch(() => null);
        if (client !== null) return client;
        await sleep(50);
      }
    };
    const ended = async (client: Client): Promise<void> => {
      for (;;) {
        const error = await client.cluster().then(
          () => null,
          (why) => why,
        );
        if (error !== null) return expect(error.code).toBe("FLOCK_UNAUTHORIZED");
        await sleep(25);
      }
    };
    const file = ["--users-file", usersFile];
    const viewer = await again();
    expect(await taskflock(["user", "role", "tmp", "--role", "submitter", ...file])).toMatchObject({ code: 0 });
    await ended(viewer);
    const submitter = await connect("tmp");
    expect(submitter.identity.role).toBe("submitter");
    const before = readFileSync(tokenOf("tmp"), "utf8").trim();
    const anew = ["--generate", "--token-file", tokenOf("tmp")];
    expect(await taskflock(["user", "password", "tmp", ...anew, ...file])).toMatchObject({ code: 0 });
    await ended(submitter);
    await expect(Client.connect(scheduler.ready.address, { token: before })).rejects.toMatchObject({
      code: "FLOCK_UNAUTHORIZED",
    });
    const last = await connect("tmp");
    expect(await taskflock(["user", "remove", "tmp", ...file])).toMatchObject({ code: 0 });
    await ended(last);
    expect((await taskflock(["user", "list", ...file])).stdout).not.toContain("tmp");
    for (const client of [viewer, submitter, last]) await client.close();
    expect((await admin.cluster()).workers).toHaveLength(1);
  });
});

describe("the audit log", () => {
  test("says who came, submitted what, was refused, and did what to whom", async () => {
    const client = await connect("ann", "bookkeeper");
    const run = client.run("my run");
    await Promise.all(client.map(inc, [1, 2, 3], { run }).map((future) => future.result()));
    run.close();
    await client.publish("five", client.submit(inc, [5]));
    await client.unpublish("five");
    await expect(client.restart()).rejects.toMatchObject({ code: "FLOCK_FORBIDDEN" });
    await client.close();
    const isLast = ({ what, action }: Line): boolean => what["client"] === "bookkeeper" && action === "left";
    const { session } = await until(() => lines().find(isLast));
    const mine = lines().filter((line) => line.session === session && line.role === "submitter");
    expect(mine.map(({ action }) => action)).toEqual(
      expect.arrayContaining(["connected", "published", "unpublished", "forbidden", "submitted", "left"]),
    );
    expect(mine.filter(({ action }) => action === "submitted").map(({ what }) => what)).toEqual(
      expect.arrayContaining([{ run: "my run", functions: { inc: 3 } }]),
    );
    expect(mine.find(({ action }) => action === "forbidden")?.what).toEqual({ what: "restart" });
    expect(mine[0]).toMatchObject({ user: "ann", action: "connected", address: expect.any(String) });
    expect(lines().find(({ user, action }) => user === "crew" && action === "connected")).toMatchObject({
      role: "worker",
      what: { worker: "w", slots: 2 },
    });
    if (process.platform !== "win32") expect(statSync(auditLog).mode & 0o777).toBe(0o600);
    const secret = readFileSync(tokenOf("ann"), "utf8").trim().split(":")[1] ?? "";
    expect(readFileSync(auditLog, "utf8")).not.toContain(secret);
  });
});
