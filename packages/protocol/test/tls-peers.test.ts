// TLS between workers: the key that both know is all there is. Everything goes through a proxy, beside which there is no Unix socket.

import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { type AddressInfo, connect as connectPlain, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { Authority } from "../../../test/system/certificates.ts";
import { Sniffer } from "../../../test/system/sniffer.ts";
import { bulkFrame, numbersBody, OP } from "../src/bulk/bulk-frames.ts";
import { BulkClient, BulkServer, isFlockError, makeToken, PROTOCOL_VERSION, type TaskId } from "../src/index.ts";
import { encodeHandshake } from "../src/link/handshake.ts";
import { peerTlsOptions } from "../src/tls/peer-tls.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const KEY = makeToken();
const MARK = "a marker that stands in the data";
const task = 7 as TaskId;

/** Serves one result, and keeps one upload. */
class Peer {
  stored: Uint8Array | null = null;
  server!: BulkServer;
  sniffer!: Sniffer;

  static async start(data: Uint8Array, { tls = true, key = () => KEY } = {}): Promise<Peer> {
    const peer = new Peer();
    peer.server = await BulkServer.listen({
      ...{ host: "127.0.0.1", port: 0, key, tls: () => tls },
      open: () => ({ bytes: data, release: () => undefined }),
      accept: (_task, bytes) => {
        const target = new Uint8Array(bytes);
        const done = (): void => {
          peer.stored = target;
        };
        return { target, done, failed: () => undefined };
      },
    });
    peer.sniffer = await Sniffer.start(peer.server.port, [MARK, KEY]);
    cleanups.push(
      () => peer.server.close(),
      () => peer.sniffer.close(),
    );
    return peer;
  }
}

function newClient({ tls = true, key = KEY } = {}): BulkClient {
  const client = new BulkClient({ key: () => key, tls: () => tls });
  cleanups.push(() => client.close());
  return client;
}

const room = (bytes: number): Uint8Array => new Uint8Array(bytes);

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  const error = await promise.catch((cause: unknown) => cause);
  return isFlockError(error) && isFlockError(error.cause) ? error.cause.code : error;
}

/** Large, and with the marker every 64 bytes. */
function marked(bytes: number): Buffer {
  const data = randomBytes(bytes);
  for (let at = 0; at + 64 < bytes; at += 64) data.write(MARK, at);
  return data;
}

describe("peers", () => {
  test("fetch and upload large data over TLS; who listens in reads neither data nor key", async () => {
    const data = marked(9 * 1024 * 1024 + 17);
    const peer = await Peer.start(data);
    const client = newClient();
    expect(Buffer.compare(await client.fetch(peer.sniffer.address, task, room), data)).toBe(0);
    await client.put(peer.sniffer.address, task, data);
    expect(Buffer.compare(peer.stored!, data)).toBe(0);
    expect(peer.sniffer.bytes).toBeGreaterThan(2 * data.length);
    expect(peer.sniffer.seen).toEqual([]);
  });

  test("without TLS the same shows both: the listener sees what there is to see", async () => {
    const peer = await Peer.start(marked(1024 * 1024), { tls: false });
    await newClient({ tls: false }).fetch(peer.sniffer.address, task, room);
    expect(peer.sniffer.seen.toSorted()).toEqual([MARK, KEY].toSorted());
  });

  test("a transfer that is cut goes on where it was, over a new connection", async () => {
    const data = marked(16 * 1024 * 1024);
    const peer = await Peer.start(data);
    const client = newClient();
    const fetched = client.fetch(peer.sniffer.address, task, (bytes) => {
      setImmediate(() => peer.sniffer.cut());
      return room(bytes);
    });
    expect(Buffer.compare(await fetched, data)).toBe(0);
    expect(client.counts.resumed).toBe(1);
  });

  test("that do not know the key get nothing, and those that have none take nobody", async () => {
    const peer = await Peer.start(marked(1024));
    expect(await codeOf(newClient({ key: makeToken() }).fetch(peer.sniffer.address, task, room))).toBe(
      "FLOCK_CONNECTION_REFUSED",
    );
    const early = await Peer.start(marked(1024), { key: () => "" });
    expect(await codeOf(newClient().fetch(early.sniffer.address, task, room))).toBe("FLOCK_CONNECTION_REFUSED");
  });

  test("that speak plain text to a TLS port get nothing, and the other way round", async () => {
    const secure = await Peer.start(marked(1024));
    expect(await codeOf(newClient({ tls: false }).fetch(secure.sniffer.address, task, room))).toMatch(
      /^FLOCK_CONNECTION_/,
    );
    const plain = await Peer.start(marked(1024), { tls: false });
    expect(await codeOf(newClient().fetch(plain.sniffer.address, task, room))).toMatch(/^FLOCK_CONNECTION_/);
    expect(plain.sniffer.seen).toEqual([]);
  });

  test("say nothing to who shows a certificate in place of the key, whoever signed it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tls-peers-"));
    cleanups.push(() => rm(folder, { recursive: true }));
    const { cert, key } = await (await Authority.make()).write(folder);
    let heard = "";
    const accepted = new Set<Socket>();
    const impostor = createServer({ cert: await readFile(cert), key: await readFile(key) }, (socket) => {
      socket.on("data", (bytes) => {
        heard += bytes.toString("latin1");
      });
      socket.on("error", () => undefined);
    });
    impostor.on("connection", (socket: Socket) => accepted.add(socket));
    await new Promise<void>((done) => impostor.listen(0, "127.0.0.1", done));
    cleanups.push(() => {
      for (const socket of accepted) socket.destroy();
      impostor.close();
    });
    const { port } = impostor.address() as AddressInfo;
    expect(await codeOf(newClient().fetch(`127.0.0.1:${port}`, task, room))).toBe("FLOCK_CONNECTION_REFUSED");
    expect(accepted.size).toBe(1);
    expect(heard).toBe("");
  });

  test("that stop reading are cut off: what they were sent is let go of", async () => {
    let release: () => void = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const server = await BulkServer.listen({
      ...{ host: "127.0.0.1", port: 0, key: () => KEY, tls: () => true, stallMs: 100 },
      open: () => ({ bytes: marked(64 * 1024 * 1024), release: () => release() }),
      accept: () => null,
    });
    cleanups.push(() => server.close());
    const stuck = connect({ host: "127.0.0.1", port: server.port, ...peerTlsOptions(KEY) });
    stuck.on("error", () => undefined);
    const hello = { t: "hello", role: "peer", protocol: PROTOCOL_VERSION, token: KEY, name: "stuck" } as const;
    stuck.write(bulkFrame(OP.hello, encodeHandshake(hello)));
    stuck.write(bulkFrame(OP.get, numbersBody(1, 1, 0, 0, 0)));
    await released;
    stuck.destroy();
  });

  test("outlive what is no TLS, and what breaks off", async () => {
    const data = marked(1024);
    const peer = await Peer.start(data);
    const thrown = Array.from({ length: 200 }, async (_, index) => {
      const socket = connectPlain(peer.server.port, "127.0.0.1");
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.on("error", () => undefined).resume();
      const junk = randomBytes(1 + ((index * 7) % 600));
      if (index % 2 === 0) junk[0] = 0x16;
      socket.write(junk, () => (index % 3 === 0 ? socket.resetAndDestroy() : socket.end()));
      await closed;
    });
    await Promise.all(thrown);
    expect(Buffer.compare(await newClient().fetch(peer.sniffer.address, task, room), data)).toBe(0);
  });

  test("a port that closes does not wait for who has not shown the key", async () => {
    const peer = await Peer.start(marked(1024));
    const silent = connectPlain(peer.server.port, "127.0.0.1");
    await new Promise((resolve) => silent.once("connect", resolve));
    const closed = new Promise((resolve) => silent.once("close", resolve));
    silent.on("error", () => undefined).resume();
    await peer.server.close();
    await closed;
  });
});
