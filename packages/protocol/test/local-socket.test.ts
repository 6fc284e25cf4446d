import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Server, type Socket } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { bulkFrame, numbersBody, OP } from "../src/bulk/bulk-frames.ts";
import { BulkClient, BulkServer, isFlockError, type TaskId, type TaskNumber } from "../src/index.ts";
import { listenLocally, localPathOf } from "../src/local-socket.ts";
import { connectClient, Log, TestServer, TOKEN } from "./link-fixture.ts";

const HOST = "127.0.0.1";
const TASK = 1 as TaskId;
/** Nothing listens there: the operating system gives no such port away. */
const SILENT_PORT = 1;
const before = process.env["TMPDIR"];
const cleanups: (() => unknown)[] = [];

beforeEach(() => {
  process.env["TMPDIR"] = mkdtempSync(join(tmpdir(), "local-"));
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  rmSync(tmpdir(), { recursive: true, force: true });
  if (before === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = before;
});

const drop = (socket: Socket): void => void socket.destroy();
const room = (bytes: number): Uint8Array => new Uint8Array(bytes);

/** Serves `bytes` as the result of `TASK`. */
async function serve(bytes: Uint8Array): Promise<BulkServer> {
  const server = await BulkServer.listen({
    ...{ host: HOST, port: 0, key: () => TOKEN },
    open: (task) => (task === TASK ? { bytes, release: () => {} } : null),
    accept: () => null,
  });
  cleanups.push(() => server.close());
  return server;
}

function newClient(token: string = TOKEN): BulkClient {
  const client = new BulkClient({ key: () => token });
  cleanups.push(() => client.close());
  return client;
}

/** A socket file that nobody listens at, as a killed process leaves it. */
async function leaveDead(port: number): Promise<string> {
  const server = await listenLocally(HOST, port, drop);
  const path = localPathOf(HOST, port)!;
  renameSync(path, `${path}.kept`);
  await new Promise((done) => server!.close(done));
  renameSync(`${path}.kept`, path);
  return path;
}

async function throughLocal(port: number, target: number, passed: Log<string>): Promise<Server> {
  const server = await listenLocally(HOST, port, (socket) => {
    passed.add("here");
    const far = connect(target, HOST);
    socket.pipe(far).pipe(socket);
    for (const end of [socket, far]) end.on("error", () => {}).on("close", () => [socket, far].map((s) => s.destroy()));
  });
  cleanups.push(() => new Promise((done) => server!.close(done)));
  return server!;
}

// The system has users wherever there are Unix sockets.
describe.skipIf(process.getuid === undefined)("peers on one machine", () => {
  test("find each other's socket by host and port, and leave nothing behind", async () => {
    const server = await serve(randomBytes(10));
    const path = localPathOf(HOST, server.port)!;
    expect(existsSync(path)).toBe(true);
    expect(localPathOf("localhost", server.port)).toBe(path);
    expect(localPathOf(HOST, server.port + 1)).toBeNull();
    await server.close();
    expect(existsSync(path)).toBe(false);
    expect(localPathOf(HOST, server.port)).toBeNull();
  });

  test("a server for all addresses is found by each of this machine, and by no other", async () => {
    const server = await listenLocally("0.0.0.0", 4000, drop);
    cleanups.push(() => new Promise((done) => server!.close(done)));
    expect(localPathOf(HOST, 4000)).not.toBeNull();
    for (const each of Object.values(networkInterfaces())) {
      for (const { address } of each ?? []) expect(localPathOf(address, 4000)).not.toBeNull();
    }
    expect(localPathOf("192.0.2.77", 4000)).toBeNull();
    expect(localPathOf("worker.example", 4000)).toBeNull();
  });

  test("a fetch goes through it", async () => {
    const bytes = randomBytes(3_000_000);
    const { port } = await serve(bytes);
    const passed = new Log<string>();
    await throughLocal(SILENT_PORT, port, passed);
    const fetched = await newClient().fetch(`${HOST}:${SILENT_PORT}`, TASK, room);
    expect(Buffer.compare(fetched, bytes)).toBe(0);
    await passed.until((all) => all.includes("here"));
  });

  test("nobody listens any more: TCP goes on, and the next server takes the name", async () => {
    const bytes = randomBytes(1000);
    const { port } = await serve(bytes);
    rmSync(localPathOf(HOST, port)!);
    const path = await leaveDead(port);
    expect(localPathOf(HOST, port)).toBe(path);
    expect((await newClient().fetch(`${HOST}:${port}`, TASK, room)).length).toBe(1000);
    const passed = new Log<string>();
    await throughLocal(port, port, passed);
    await newClient().fetch(`${HOST}:${port}`, TASK, room);
    await passed.until((all) => all.includes("here"));
  });

  test("the token is asked for there, too", async () => {
    const { port } = await serve(randomBytes(10));
    const failed = newClient("wrong").fetch(`${HOST}:${port}`, TASK, room);
    await expect(failed).rejects.toSatisfy((error: Error) => isFlockError(error.cause, "FLOCK_UNAUTHORIZED"));
    const socket = connect(localPathOf(HOST, port)!, () => socket.write(bulkFrame(OP.get, numbersBody(TASK, 1))));
    const got: Buffer[] = [];
    socket.on("data", (part: Buffer) => got.push(part));
    await new Promise((done) => socket.on("close", done));
    expect(Buffer.concat(got)[1]).toBe(OP.refused);
  });

  test("what killed processes left goes with the next starts, what lives stays", async () => {
    const alive = await listenLocally(HOST, 4001, drop);
    cleanups.push(() => new Promise((done) => alive!.close(done)));
    const dead = await leaveDead(4002);
    writeFileSync(join(dirname(dead), "a file of another kind"), "");
    const next = await listenLocally(HOST, 4003, drop);
    cleanups.push(() => new Promise((done) => next!.close(done)));
    while (existsSync(dead)) await new Promise((turn) => setImmediate(turn));
    expect(localPathOf(HOST, 4001)).not.toBeNull();
    expect(readdirSync(dirname(dead)).length).toBe(3);
  });

  test("a folder that others can enter is not used", async () => {
    const folder = join(tmpdir(), `taskflock-${process.getuid!()}`);
    mkdirSync(folder);
    chmodSync(folder, 0o755);
    const bytes = randomBytes(1000);
    const { port } = await serve(bytes);
    expect(readdirSync(folder)).toEqual([]);
    expect((await newClient().fetch(`${HOST}:${port}`, TASK, room)).length).toBe(1000);
    chmodSync(folder, 0o700);
    const server = await listenLocally(HOST, SILENT_PORT, drop);
    cleanups.push(() => new Promise((done) => server!.close(done)));
    chmodSync(folder, 0o750);
    expect(localPathOf(HOST, SILENT_PORT)).toBeNull();
  });

  test("where the path would be too long there is none", async () => {
    process.env["TMPDIR"] = mkdtempSync(join(tmpdir(), "x".repeat(90)));
    const { port } = await serve(randomBytes(1000));
    expect(localPathOf(HOST, port)).toBeNull();
    expect((await newClient().fetch(`${HOST}:${port}`, TASK, room)).length).toBe(1000);
  });
});

describe.skipIf(process.getuid === undefined)("a scheduler's links", () => {
  async function startServer(): Promise<TestServer> {
    const test = await TestServer.start();
    cleanups.push(() => test.server.close());
    return test;
  }

  async function join(test: TestServer, token = TOKEN): Promise<void> {
    const client = await connectClient(test.address, { token });
    cleanups.push(() => client.link.close());
  }
  const peers = (test: TestServer): (string | undefined)[] => test.sessions.map(({ link }) => link?.peer);

  test("go through the socket, and carry whole frames", async () => {
    const test = await startServer();
    const client = await connectClient(test.address);
    cleanups.push(() => client.link.close());
    expect(peers(test)).toEqual(["this machine"]);
    const text = "x".repeat(20_000);
    const { link } = test.sessions[0]!;
    for (let n = 1; n <= 40; n++) {
      link!.send({ t: "log", n: n as TaskNumber, worker: "w", stream: "stdout", text });
    }
    await client.messages.count(40);
    expect(client.messages.entries.at(-1)).toMatchObject({ n: 40, text });
    await test.server.close();
    expect(localPathOf(HOST, test.server.port)).toBe(null);
  });

  test("go by TCP where nobody listens at the socket", async () => {
    const test = await startServer();
    const { port } = test.server;
    rmSync(localPathOf(HOST, port)!);
    await join(test);
    const path = await leaveDead(port);
    expect(localPathOf(HOST, port)).toBe(path);
    await join(test);
    expect(peers(test)).toEqual([expect.stringMatching(/^127\.0\.0\.1:/), expect.stringMatching(/^127\.0\.0\.1:/)]);
  });

  test("are asked for the token there, too, and refused at once", async () => {
    const test = await startServer();
    await expect(join(test, "a wrong token")).rejects.toMatchObject({ code: "FLOCK_UNAUTHORIZED" });
    expect(test.sessions).toEqual([]);
  });
});
