import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import { oneToken, type Submit, type TaskNumber } from "../src/index.ts";
import { connectClient, Relay, type TestClient, TestServer } from "./link-fixture.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function startServer(options: Parameters<typeof TestServer.start>[0] = {}): Promise<TestServer> {
  const server = await TestServer.start(options);
  cleanups.push(() => server.server.close());
  return server;
}

async function client(address: string, options: Parameters<typeof connectClient>[1] = {}): Promise<TestClient> {
  const one = await connectClient(address, options);
  cleanups.push(() => one.link.close());
  return one;
}

function submit(one: TestClient, n: number, args: Uint8Array): Submit {
  const ref = one.payloads.put(args);
  return {
    ...{ t: "submit", n: n as TaskNumber, fn: 1 as never, functions: [], args: ref, argsBytes: args.length },
    ...{ deps: [], options: 0 as never, run: 0 as never, key: null, fingerprint: null },
  };
}

const numbers = (server: TestServer): number[] =>
  server.log.entries.map(({ message }) => ("n" in message ? message.n : -1));

describe("a link", () => {
  test("carries messages and payloads both ways, in order", async () => {
    const server = await startServer();
    const one = await client(server.address);
    const message = submit(one, 1, Uint8Array.of(1, 2, 3));
    one.link.send(message);
    one.payloads.free(message.args); // copied by send
    one.link.send({ t: "release", n: 1 as TaskNumber });
    await server.log.count(2);
    const [first] = server.log.entries;
    expect(first?.message.t === "submit" && [...server.payloads.get(first.message.args)]).toEqual([1, 2, 3]);
    const result = server.payloads.put(Uint8Array.of(9));
    server.sessions[0]!.link!.send({ t: "done", n: 1 as TaskNumber, bytes: 1, result });
    server.payloads.free(result);
    await one.messages.count(1);
    const [done] = one.messages.entries;
    expect(done?.t === "done" && [...one.payloads.get(done.result)]).toEqual([9]);
    expect(one.events.entries).toEqual(["up"]);
  });

  test("acknowledges, so that nothing is kept when all has arrived", async () => {
    const server = await startServer();
    const one = await client(server.address);
    for (let n = 1; n <= 2000; n++) one.link.send(submit(one, n, randomBytes(100)));
    expect(one.link.unacknowledgedBytes).toBeGreaterThan(100_000);
    await server.log.count(2000);
    // The answer to a message that came later carries the acknowledgement, or follows it.
    server.sessions[0]!.link!.send({ t: "notice", level: "info", text: "all there" });
    await one.messages.count(1);
    expect(one.link.unacknowledgedBytes).toBe(0);
  });

  test("holds back what is above the credit, and sends it as acknowledgements come", async () => {
    const server = await startServer({ creditBytes: 100_000 });
    const one = await client(server.address);
    for (let n = 1; n <= 40; n++) one.link.send(submit(one, n, randomBytes(50_000)));
    one.link.flush();
    expect(one.link.unacknowledgedBytes).toBeGreaterThan(2_000_000);
    await server.log.count(40);
    expect(numbers(server)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  });

  test("close sends what was collected first", async () => {
    const server = await startServer({ creditBytes: 60_000 });
    const one = await client(server.address);
    for (let n = 1; n <= 10; n++) one.link.send(submit(one, n, randomBytes(50_000)));
    one.link.send({ t: "goodbye" });
    await one.link.close();
    await server.events.until((events) => events.some((event) => event.startsWith("closed 1")));
    expect(server.log.entries).toHaveLength(11);
    expect(one.events.entries).not.toContain("down");
  });

  test("a message that is larger than the scheduler's frames is refused where it is sent", async () => {
    const server = await startServer({ maxFrameBytes: 200_000 });
    const one = await client(server.address);
    expect(() => one.link.send(submit(one, 1, randomBytes(300_000)))).toThrow(/FLOCK|300000 bytes/);
    expect(() => one.link.send({ t: "cancel", n: 1 as TaskNumber, reason: "x".repeat(250_000) })).toThrow(/200000/);
    one.link.send(submit(one, 2, randomBytes(150_000)));
    await server.log.count(1);
    expect(numbers(server)).toEqual([2]);
    // Also behind others that wait for the same frame.
    one.link.send(submit(one, 3, randomBytes(10)));
    expect(() => one.link.send({ t: "cancel", n: 1 as TaskNumber, reason: "x".repeat(250_000) })).toThrow(/200000/);
    one.link.send({ t: "cancel", n: 1 as TaskNumber, reason: "x".repeat(60_000) });
    await server.log.count(3);
    expect(one.events.entries).not.toContain("down");
  });
});

test("a frame from the scheduler above the limit ends the link with a coded error", async () => {
  const server = await startServer();
  const small = await client(server.address, { maxFrameBytes: 10_000 });
  const large = await client(server.address);
  const result = server.payloads.put(randomBytes(10_000_000));
  for (const { link } of server.sessions) link!.send({ t: "done", n: 1 as TaskNumber, bytes: 10_000_000, result });
  await large.messages.count(1);
  await small.events.until((events) => events.includes("gone FLOCK_FRAME_TOO_LARGE"));
});

describe("a cut", () => {
  test("is healed: every message arrives once, in order", async () => {
    const server = await startServer();
    const relay = await Relay.start(server.server.port);
    cleanups.push(() => relay.close());
    const one = await client(relay.address);
    let n = 0;
    for (let round = 1; round <= 5; round++) {
      for (let i = 0; i < 300; i++) one.link.send(submit(one, ++n, randomBytes(300)));
      if (round % 2 === 0) one.link.flush(); // some frames are on their way, some are not
      relay.cut();
      await one.events.until((events) => events.filter((event) => event === "up again").length >= round);
    }
    await server.log.count(n);
    expect(numbers(server)).toEqual(Array.from({ length: n }, (_, i) => i + 1));
    expect(server.sessions).toHaveLength(1);
    expect(one.events.entries.filter((event) => event === "down")).toHaveLength(5);
  });

  test("in the middle of a frame loses nothing", async () => {
    const server = await startServer();
    const relay = await Relay.start(server.server.port);
    cleanups.push(() => relay.close());
    const one = await client(relay.address);
    let armed = true;
    relay.filter = (chunk, socket) => {
      if (!armed || chunk.length < 1000) return chunk;
      armed = false;
      setImmediate(() => socket.destroy());
      return chunk.subarray(0, 500);
    };
    for (let n = 1; n <= 100; n++) one.link.send(submit(one, n, randomBytes(500)));
    await server.log.count(100);
    expect(numbers(server)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    expect(one.events.entries).toEqual(["up", "down", "up again"]);
  });

  test("after which the scheduler knows us no more: what was not acknowledged is dropped", async () => {
    const server = await startServer();
    const relay = await Relay.start(server.server.port);
    cleanups.push(() => relay.close());
    const one = await client(relay.address);
    server.forget = true;
    relay.cut();
    await one.events.until((events) => events.includes("down"));
    one.link.send({ t: "release", n: 1 as TaskNumber });
    await one.events.until((events) => events.includes("up anew"));
    one.link.send({ t: "release", n: 2 as TaskNumber });
    await server.log.count(1);
    expect(server.log.entries).toEqual([{ session: 2, message: { t: "release", n: 2 } }]);
  });

  test("that is not healed in time ends the link", async () => {
    const server = await startServer();
    const relay = await Relay.start(server.server.port);
    const one = await client(relay.address, { reconnectMs: 50 });
    relay.close();
    await one.events.until((events) => events.length === 3);
    expect(one.events.entries).toEqual(["up", "down", "gone FLOCK_CONNECTION_LOST"]);
  });

  test("is noticed when the scheduler says nothing any more", async () => {
    const server = await startServer({ pingMs: 100_000 });
    const one = await client(server.address, { silentMs: 300, reconnectMs: 0 });
    await one.events.until((events) => events.includes("gone FLOCK_CONNECTION_LOST"));
    await server.events.until((events) => events.some((event) => event.startsWith("closed 1")));
  });

  test("is final when the token is refused meanwhile", async () => {
    const first = await startServer();
    const second = await startServer({ authenticator: oneToken("another") });
    const relay = await Relay.start(first.server.port);
    cleanups.push(() => relay.close());
    const one = await client(relay.address);
    relay.target = second.server.port;
    relay.cut();
    await one.events.until((events) => events.length === 3);
    expect(one.events.entries).toEqual(["up", "down", "gone FLOCK_UNAUTHORIZED"]);
  });
});
