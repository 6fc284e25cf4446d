import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect, createServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { Gate } from "../../../test/system/gate.ts";
import {
  encodeFrame,
  FlockError,
  type Identity,
  isFlockError,
  LinkServer,
  oneToken,
  PayloadStore,
  PROTOCOL_VERSION,
  SchedulerLink,
  type TaskNumber,
} from "../src/index.ts";
import { decodeRefused, encodeHandshake } from "../src/link/handshake.ts";
import { localPathOf } from "../src/local-socket.ts";
import { connectClient, TestServer, TOKEN } from "./link-fixture.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function startServer(options: Parameters<typeof TestServer.start>[0] = {}): Promise<TestServer> {
  const server = await TestServer.start(options);
  cleanups.push(() => server.server.close());
  return server;
}

async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (isFlockError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "no error";
}

test("of two who come at once, and whose token takes a while, one is attached before the other is admitted", async () => {
  const order: string[] = [];
  let answer: (who: Identity) => void = () => undefined;
  const who = new Promise<Identity>((resolve) => {
    answer = resolve;
  });
  const fixture = await startServer();
  const asked: string[] = [];
  const server = await LinkServer.listen({
    ...{ host: "127.0.0.1", port: 0, payloads: fixture.payloads },
    authenticator: {
      identify: (token) => {
        if (asked.push(token) === 2) answer({ user: "ann", role: "submitter" });
        return who;
      },
      onRevoked: () => () => undefined,
    },
    admit: () => {
      order.push("admitted");
      const ids = { scheduler: "s", id: 0, name: "n", secret: "", resumed: false, received: 0 };
      const limits = { creditBytes: 1e6, admissionBytes: 1e6, inlineLimitBytes: 1, now: 0 as never };
      return {
        ...{ welcome: { ...ids, ...limits }, up: "client", down: "toClient", silentMs: 60_000 },
        attach: () => {
          order.push("attached");
          return { onMessages: () => {}, onBlocked: () => {}, onReady: () => {}, onClosed: () => {} };
        },
      };
    },
  });
  cleanups.push(() => server.close());
  const links = await Promise.all([1, 2].map(() => connectClient(`127.0.0.1:${server.port}`)));
  for (const { link } of links) await link.close();
  expect(order).toEqual(["admitted", "attached", "admitted", "attached"]);
});

/** A bare WebSocket to the port; resolves with the error it is refused with. */
async function refusal(address: string, first: Uint8Array | null): Promise<string> {
  const socket = new WebSocket(`ws://${address}/`, "taskflock");
  if (first !== null) socket.on("open", () => socket.send(first));
  return new Promise((resolve) => {
    socket.on("message", (data) =>
      resolve(`${decodeRefused(data as Buffer).code}: ${decodeRefused(data as Buffer).message}`),
    );
    socket.on("error", (error) => resolve(error.message));
    socket.on("close", (code) => resolve(`closed ${code}`));
  });
}

const strangers: WebSocket[] = [];

/** Somebody who says nothing. */
function outcome(url: string, options: { readonly localAddress?: string } = {}): Promise<string> {
  const socket = new WebSocket(url, "taskflock", options);
  strangers.push(socket);
  cleanups.push(() => socket.terminate());
  return new Promise((resolve) => {
    socket.on("open", () => resolve("in"));
    socket.on("error", (error) => resolve(error.message));
  });
}

const hello = {
  t: "hello",
  role: "client",
  protocol: PROTOCOL_VERSION,
  token: TOKEN,
  name: "x",
  observer: false,
  resume: null,
} as const;

describe("connecting", () => {
  test("to nobody: FLOCK_CONNECTION_REFUSED", async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as AddressInfo;
    await new Promise((done) => server.close(done));
    expect(await failure(connectClient(`127.0.0.1:${port}`))).toMatch(/^FLOCK_CONNECTION_REFUSED: .*127\.0\.0\.1/);
  });

  test("to a page's port: FLOCK_NOT_A_SCHEDULER", async () => {
    const page = createHttpServer((_request, response) => response.end("<html>"));
    await new Promise<void>((done) => page.listen(0, "127.0.0.1", done));
    cleanups.push(() => page.close());
    const { port } = page.address() as AddressInfo;
    expect(await failure(connectClient(`127.0.0.1:${port}`))).toMatch(/^FLOCK_NOT_A_SCHEDULER: .*HTTP 200/);
  });

  test("to what speaks no HTTP at all: FLOCK_NOT_A_SCHEDULER", async () => {
    const server = createServer((socket) => socket.end("220 mail.example ESMTP\r\n"));
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    cleanups.push(() => server.close());
    expect(await failure(connectClient(`127.0.0.1:${(server.address() as AddressInfo).port}`))).toMatch(
      /^FLOCK_NOT_A_SCHEDULER/,
    );
  });

  test("to another WebSocket server: FLOCK_NOT_A_SCHEDULER", async () => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => false });
    await new Promise((done) => server.once("listening", done));
    cleanups.push(() => server.close());
    expect(await failure(connectClient(`127.0.0.1:${(server.address() as AddressInfo).port}`))).toMatch(
      /^FLOCK_NOT_A_SCHEDULER/,
    );
  });

  test("with a wrong token: FLOCK_UNAUTHORIZED", async () => {
    const server = await startServer();
    expect(await failure(connectClient(server.address, { token: "wrong" }))).toMatch(/^FLOCK_UNAUTHORIZED: .*token/);
    expect(server.events.entries).toEqual([]);
  });

  test("with an address that is none: FLOCK_ADDRESS_INVALID", async () => {
    expect(await failure(connectClient("http://example.org"))).toMatch(/^FLOCK_ADDRESS_INVALID/);
  });

  test("in another version: both ends name both", async () => {
    const server = await startServer();
    const said = await refusal(server.address, encodeHandshake({ ...hello, protocol: 99 }));
    expect(said).toMatch(new RegExp(`^FLOCK_VERSION_MISMATCH: .*version ${PROTOCOL_VERSION} .*version 99`));
    const other = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => "taskflock" });
    await new Promise((done) => other.once("listening", done));
    cleanups.push(() => other.close());
    other.on("connection", (socket) => socket.send(encodeHandshake({ t: "welcome", protocol: 7 } as never)));
    expect(await failure(connectClient(`127.0.0.1:${(other.address() as AddressInfo).port}`))).toMatch(
      new RegExp(`^FLOCK_VERSION_MISMATCH: .*version ${PROTOCOL_VERSION} .*version 7`),
    );
  });
});

describe("the port", () => {
  test("refuses a request with an Origin", async () => {
    const server = await startServer();
    const socket = new WebSocket(`ws://${server.address}/`, "taskflock", { origin: "http://evil.example" });
    const message = await new Promise<string>((resolve) => socket.on("error", (error) => resolve(error.message)));
    expect(message).toMatch(/403/);
  });

  test("says what it is to a browser", async () => {
    const server = await startServer();
    const response = await fetch(`http://${server.address}/`);
    expect(response.status).toBe(426);
    expect(await response.text()).toMatch(/page is on port 8787/);
  });

  test("ends a connection that says nothing", async () => {
    const server = await startServer({ authenticateMs: 50 });
    expect(await refusal(server.address, null)).toMatch(/^FLOCK_UNAUTHORIZED: No hello came within 50 ms/);
  });

  test("tells who waits for too long whether the token is right to try again", async () => {
    const never = { identify: () => new Promise<never>(() => undefined), onRevoked: () => () => undefined };
    const server = await startServer({ authenticateMs: 50, authenticator: never });
    expect(await refusal(server.address, encodeHandshake(hello))).toMatch(/^FLOCK_TRY_LATER: .* in time/);
  });

  test("outlives an authenticator that fails with whatever: it is told, and one connection refused", async () => {
    const told: unknown[] = [];
    const broken = new Error("out of memory");
    const inner = oneToken(TOKEN);
    const server = await startServer({
      authenticator: {
        identify: (token, from) => (token === "" ? Promise.reject(broken) : inner.identify(token, from)),
        onRevoked: inner.onRevoked,
      },
      trouble: (error) => told.push(error),
    });
    const said = await refusal(server.address, encodeHandshake({ ...hello, token: "" }));
    expect(said).toMatch(/^FLOCK_INTERNAL: .*could not be checked/);
    expect(told).toEqual([broken]);
    await (await connectClient(server.address)).link.close();
  });

  test("who is told at first to try later does so; until its time is over", async () => {
    let busy = 2;
    const inner = oneToken(TOKEN);
    const server = await startServer({
      authenticator: {
        identify: (token, from) => {
          if (busy-- > 0) throw new FlockError("FLOCK_TRY_LATER", "Many are here.");
          return inner.identify(token, from);
        },
        onRevoked: inner.onRevoked,
      },
    });
    expect(await failure(connectClient(server.address, { busyMs: 0 }))).toBe("FLOCK_TRY_LATER: Many are here.");
    await (await connectClient(server.address)).link.close();
    expect(busy).toBe(-1);
    busy = Number.POSITIVE_INFINITY;
    expect(await failure(connectClient(server.address, { busyMs: 300 }))).toBe("FLOCK_TRY_LATER: Many are here.");
  });

  // Only Linux has the whole of 127.0.0.0/8.
  test.skipIf(process.platform !== "linux")(
    "has a quarter of its places for each address, and all for its own user",
    async () => {
      const { port } = (await startServer({ maxStrangers: 8, authenticateMs: 60_000 })).server;
      const come = (localAddress: string): Promise<string> => outcome(`ws://127.0.0.1:${port}/`, { localAddress });
      const socketFile = localPathOf("127.0.0.1", port) ?? "";
      expect([await come("127.0.0.1"), await come("127.0.0.1")]).toEqual(["in", "in"]);
      expect(await come("127.0.0.1")).toMatch(/503/);
      const gate = await Gate.start(port); // it comes from 127.0.0.1, too
      cleanups.push(() => gate.close());
      expect(await failure(connectClient(gate.address, { busyMs: 0 }))).toMatch(/^FLOCK_TRY_LATER/);
      expect(await come("127.0.0.2")).toBe("in");
      for (let n = 0; n < 5; n++) expect(await outcome(`ws+unix://${socketFile}:/`)).toBe("in");
      expect(await outcome(`ws+unix://${socketFile}:/`)).toMatch(/503/);
      for (const one of strangers.splice(0)) one.terminate();
      await expect.poll(() => come("127.0.0.1")).toBe("in");
    },
  );

  test("takes a small first frame only", async () => {
    const server = await startServer();
    const large = encodeHandshake({ ...hello, name: "x".repeat(8000) });
    expect(await refusal(server.address, large)).toMatch(/^FLOCK_FRAME_TOO_LARGE/);
  });

  test("refuses a first frame that is no hello", async () => {
    const server = await startServer();
    expect(await refusal(server.address, Uint8Array.of(1, 2, 3))).toMatch(/^FLOCK_PROTOCOL/);
    expect(await refusal(server.address, encodeHandshake({ ...hello, role: "king" } as never))).toMatch(
      /^FLOCK_PROTOCOL: hello\.role/,
    );
  });

  test("that is taken: FLOCK_PORT_IN_USE", async () => {
    const server = await startServer();
    const again = TestServer.start({ port: server.server.port });
    expect(await failure(again)).toMatch(/^FLOCK_PORT_IN_USE: .*--port/);
  });

  test("a malformed frame ends that connection only, and says why", async () => {
    const server = await startServer();
    const good = await connectClient(server.address);
    cleanups.push(() => good.link.close());
    const bad = await connectClient(server.address);
    bad.link.send({ t: "release", n: -5 as TaskNumber });
    await bad.events.until((events) => events.some((event) => event.startsWith("gone")));
    expect(bad.gone.error?.message).toMatch(/release\.n: -5/);
    expect(bad.events.entries).toEqual(["up", "gone FLOCK_PROTOCOL"]);
    good.link.send({ t: "release", n: 3 as TaskNumber });
    await server.log.count(1);
    expect(server.log.entries).toEqual([{ session: 1, message: { t: "release", n: 3 } }]);
  });

  test("a frame above the limit ends that connection only", async () => {
    const server = await startServer({ maxFrameBytes: 10_000 });
    const socket = new WebSocket(`ws://${server.address}/`, "taskflock");
    socket.on("open", () => socket.send(encodeHandshake(hello)));
    socket.once("message", () => socket.send(new Uint8Array(20_000)));
    const code = await new Promise((resolve) => socket.on("close", resolve));
    expect(code).toBe(1009);
    await server.events.until((events) => events.some((event) => event.startsWith("closed 1")));
  });

  test("a client that does not read is blocked and not read, and ready when it reads again", async () => {
    const server = await startServer();
    const socket = new WebSocket(`ws://${server.address}/`, "taskflock", { maxPayload: 2 ** 26 });
    socket.on("open", () => socket.send(encodeHandshake(hello)));
    await new Promise((resolve) => socket.once("message", resolve));
    cleanups.push(() => socket.terminate());
    socket.pause();
    const link = server.sessions[0]!.link!;
    const result = server.payloads.put(new Uint8Array(100_000));
    for (let n = 1; n <= 2000 && !link.blocked; n++) {
      link.send({ t: "done", n: n as TaskNumber, bytes: 100_000, result });
      link.flush();
    }
    expect(server.events.entries).toEqual(["attached 1", "blocked 1"]);
    const ask = { t: "ask", id: 1, question: { q: "ping" } } as const;
    socket.send(encodeFrame("client", { seq: 1, ack: 0 }, [ask], server.payloads));
    await (await connectClient(server.address)).link.close(); // time enough to hear what it asks
    expect(server.log.entries).toEqual([]);
    socket.resume();
    await server.log.until((entries) => entries.length === 1);
    expect(server.events.entries).toContain("ready 1");
    expect(link.blocked).toBe(false);
  });

  test("a connection that opens and sends half a request is no harm to others", async () => {
    const server = await startServer();
    const { port } = server.server;
    const half = connect(port, "127.0.0.1", () => half.write("GET / HTTP/1.1\r\nUpgrade: websocket\r\n"));
    cleanups.push(() => half.destroy());
    const one = await connectClient(server.address);
    one.link.send({ t: "release", n: 1 as TaskNumber });
    await server.log.count(1);
    await one.link.close();
  });
});

test("a nanny has no session: what it saw is said again after a cut", async () => {
  const payloads = new PayloadStore();
  const seen: string[] = [];
  let refuseFirst = true;
  let done: () => void = () => {};
  const all = new Promise<void>((resolve) => {
    done = resolve;
  });
  const server = await LinkServer.listen({
    ...{ host: "127.0.0.1", port: 0, authenticator: oneToken(TOKEN), payloads },
    admit: () => ({
      welcome: {
        ...{
          scheduler: "s",
          id: 0,
          name: "n",
          secret: "",
          resumed: false,
          received: 0,
          creditBytes: 1e6,
          admissionBytes: 1e6,
        },
        ...{ inlineLimitBytes: 1, now: 0 as never },
      },
      ...{ up: "nanny", down: "toWorker", silentMs: 60_000 },
      attach: (link) => {
        if (refuseFirst) {
          refuseFirst = false;
          setImmediate(() => link.cut());
        }
        return {
          onMessages: (messages) => {
            for (const message of messages) if (message.t === "exited") seen.push(message.how);
            if (seen.includes("second")) done();
          },
          onBlocked: () => {},
          onReady: () => {},
          onClosed: () => {},
        };
      },
    }),
  });
  cleanups.push(() => server.close());
  const link = await SchedulerLink.open({
    ...{
      address: `127.0.0.1:${server.port}`,
      token: TOKEN,
      up: "nanny",
      down: "toWorker",
      payloads,
      reconnectMs: 5_000,
    },
    hello: { role: "nanny", name: "n" },
    onMessages: () => {},
    onUp: () => {},
    onDown: () => {
      link.send({ t: "exited", incarnation: "a", how: "first" });
      link.flush();
      link.send({ t: "exited", incarnation: "b", how: "second" });
    },
    onGone: () => {},
  });
  cleanups.push(() => link.close());
  await all;
  expect(seen).toEqual(["first", "second"]);
});

describe("whoever is refused before the handshake", () => {
  test("an upgrade with an Origin: the connection ends, though the other end keeps its half open", async () => {
    const { server } = await startServer();
    const socket = connect({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
    let answer = "";
    socket.on("data", (data) => {
      answer += data.toString();
    });
    socket.on("error", () => {});
    socket.write(
      "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nOrigin: http://evil\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    );
    await new Promise((done) => socket.once("end", done));
    expect(answer).toMatch(/^HTTP\/1.1 403/);
    await server.close(); // it would wait for a connection that is half open
    socket.destroy();
  });

  test("a hello above 4 KiB in one piece with the upgrade", async () => {
    const { server } = await startServer();
    const socket = connect(server.port, "127.0.0.1");
    const heard: Buffer[] = [];
    socket.on("data", (data) => heard.push(data as Buffer));
    const large = encodeHandshake({ ...hello, name: "x".repeat(8000) });
    const head = Buffer.alloc(8); // a binary frame of 16 bits of length, with a mask of zeros
    head[0] = 0x82;
    head[1] = 0xfe;
    head.writeUInt16BE(large.length, 2);
    const request =
      "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: taskflock\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    socket.write(Buffer.concat([Buffer.from(request), head, large]));
    await new Promise((done) => socket.once("close", done));
    expect(Buffer.concat(heard).toString("latin1")).toContain("FLOCK_FRAME_TOO_LARGE");
  });
});
