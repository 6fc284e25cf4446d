import { randomBytes } from "node:crypto";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { BulkParser, bulkFrame, numbersBody, OP, Receiving, sendChunks } from "../src/bulk/bulk-frames.ts";
import { CRC32, knownChecksums } from "../src/bulk/checksums.ts";
import { readInPlace } from "../src/bulk/read-in-place.ts";
import {
  BulkClient,
  type BulkEarly,
  BulkServer,
  FlockError,
  isFlockError,
  Outgoing,
  PROTOCOL_VERSION,
  type TaskId,
} from "../src/index.ts";
import { encodeHandshake } from "../src/link/handshake.ts";
import { Log, Relay, TOKEN } from "./link-fixture.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const id = (n: number): TaskId => n as TaskId;

/** A worker's store: results by task, leases counted, uploads that were announced. */
class Store {
  readonly results: Map<number, Uint8Array> = new Map();
  readonly expected: Set<number> = new Set();
  /** Takes uploads that nobody announced as early ones; by task, what to call once they are announced. */
  early: Map<number, () => void> | null = null;
  readonly events: Log<string> = new Log();
  leases = 0;
  mostLeases = 0;
  server!: BulkServer;

  static async start(): Promise<Store> {
    const store = new Store();
    store.server = await BulkServer.listen({
      ...{ host: "127.0.0.1", port: 0, key: () => TOKEN },
      open: (task) => store.#open(task),
      accept: (task, bytes) => {
        if (!store.expected.delete(task)) return store.#early(task);
        const target = new Uint8Array(new SharedArrayBuffer(bytes));
        const done = (): void => {
          store.results.set(task, target);
          store.events.add(`stored ${task}`);
        };
        return { target, done, failed: (error) => store.events.add(`failed ${error.code}`) };
      },
    });
    cleanups.push(() => store.server.close());
    return store;
  }

  #early(task: TaskId): BulkEarly | null {
    const { early, events } = this;
    if (early === null) return null;
    return {
      wait: (announced) => {
        early.set(task, announced);
        events.add(`early ${task}`);
        return () => void events.add(`gave up ${task}`);
      },
    };
  }

  #open(task: TaskId): { bytes: Uint8Array; release(): void } | null {
    const bytes = this.results.get(task);
    if (bytes === undefined) return null;
    this.leases++;
    this.mostLeases = Math.max(this.leases, this.mostLeases);
    const release = (): void => {
      this.leases--;
      this.events.add("released");
    };
    return { bytes, release };
  }

  get address(): string {
    return `127.0.0.1:${this.server.port}`;
  }
}

function newClient(options: Partial<ConstructorParameters<typeof BulkClient>[0]> = {}): BulkClient {
  const client = new BulkClient({ key: () => TOKEN, ...options });
  cleanups.push(() => client.close());
  return client;
}

const room = (bytes: number): Uint8Array => new Uint8Array(bytes);

async function failure(promise: Promise<unknown>): Promise<FlockError> {
  try {
    await promise;
  } catch (error) {
    if (isFlockError(error)) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

describe("fetch and put", () => {
  test("carry any number of bytes, also from and into shared memory", async () => {
    const store = await Store.start();
    const client = newClient();
    for (const size of [0, 1, 5000, 512 * 1024, 1024 * 1024, 1024 * 1024 + 1, 3_000_000]) {
      const bytes = new Uint8Array(new SharedArrayBuffer(size));
      bytes.set(randomBytes(size));
      store.expected.add(size);
      await client.put(store.address, id(size), bytes);
      expect(Buffer.compare(store.results.get(size)!, bytes)).toBe(0);
      const target = new Uint8Array(new SharedArrayBuffer(size + 10));
      const fetched = await client.fetch(store.address, id(size), () => target);
      expect(Buffer.compare(fetched, bytes)).toBe(0);
      expect(fetched.buffer).toBe(target.buffer);
    }
    await store.events.until((events) => events.filter((event) => event === "released").length === 7);
    expect(store.leases).toBe(0);
  });

  test("the same bytes go to several peers", async () => {
    const stores = [await Store.start(), await Store.start()];
    const client = newClient();
    const bytes = randomBytes(2_000_000);
    const data = new Outgoing(bytes);
    for (const store of stores) store.expected.add(1);
    await Promise.all(stores.map(({ address }) => client.put(address, id(1), data)));
    for (const { results } of stores) expect(Buffer.compare(results.get(1)!, bytes)).toBe(0);
    const chunks = range(2).map((i) => bytes.subarray(i * 1024 * 1024, (i + 1) * 1024 * 1024));
    const sums = chunks.map((chunk, i) => data.checksum(CRC32, i * 1024 * 1024, chunk));
    expect(sums).toEqual(chunks.map((chunk) => crc32(chunk)));
  });

  test("an upload is over when its last byte was sent, whatever the peer says before", async () => {
    const server = createServer((socket) => {
      socket.once("data", () => {
        socket.write(bulkFrame(OP.welcome, numbersBody(0)));
        socket.once("data", () => {
          socket.pause();
          socket.write(bulkFrame(OP.ready, numbersBody(1)));
          socket.write(bulkFrame(OP.stored, new Uint8Array(0)), () => peer.add("said"));
        });
      });
      sockets.push(socket);
      socket.on("error", () => undefined);
    });
    const peer = new Log<string>();
    const sockets: Socket[] = [];
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    cleanups.push(() => server.close());
    const client = newClient();
    let over = false;
    const put = client.put(`127.0.0.1:${(server.address() as AddressInfo).port}`, id(1), new Uint8Array(50_000_000));
    void put.then(() => {
      over = true;
    });
    await peer.until((said) => said.includes("said"));
    for (let turn = 0; turn < 100; turn++) await new Promise((next) => setImmediate(next));
    expect(over).toBe(false);
    for (const socket of sockets) socket.resume();
    await put;
  });

  test("uploads also arrive where sockets cannot read to given places", async () => {
    const got: Uint8Array[] = [];
    const server = createServer({ pauseOnConnect: true }, (accepted) => {
      const { _handle: handle } = accepted as unknown as { _handle: { useUserBuffer: unknown } };
      handle.useUserBuffer = undefined;
      const parser = new BulkParser({
        onFrame: (_op, body) => got.push(body.slice()),
        chunkTarget: (length) => new Uint8Array(length),
        onChunk: (length) => got.push(new Uint8Array(length)),
      });
      expect(readInPlace(accepted, parser, (take) => take())).toBe(accepted);
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    const bytes = randomBytes(1_500_000);
    socket.write(bulkFrame(OP.put, numbersBody(1, bytes.length)));
    sendChunks(socket, new Outgoing(bytes), knownChecksums(), () => socket.end());
    await new Promise((done) => socket.on("close", done).resume());
    await new Promise((done) => server.close(done));
    expect(got.map(({ length }) => length)).toEqual([16, 1024 * 1024, 1_500_000 - 1024 * 1024]);
  });

  test("many at once are bounded per peer, and all arrive", async () => {
    const store = await Store.start();
    for (let n = 1; n <= 20; n++) store.results.set(n, randomBytes(200_000 + n));
    const client = newClient({ maxPerPeer: 3 });
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) => client.fetch(store.address, id(i + 1), room)));
    expect(all.map((bytes) => bytes.length)).toEqual(Array.from({ length: 20 }, (_, i) => 200_001 + i));
    expect(store.mostLeases).toBeLessThanOrEqual(3);
  });
});

describe("what fails", () => {
  test("says that the result is not there", async () => {
    const store = await Store.start();
    const error = await failure(newClient().fetch(store.address, id(7), room));
    expect(error.code).toBe("FLOCK_TRANSFER_FAILED");
    expect(isFlockError(error.cause, "FLOCK_TASK_UNKNOWN")).toBe(true);
  });

  test("says that the peer is unreachable", async () => {
    const store = await Store.start();
    const { address } = store;
    await store.server.close();
    const error = await failure(newClient().fetch(address, id(7), room));
    expect(error.code).toBe("FLOCK_TRANSFER_FAILED");
    expect(isFlockError(error.cause, "FLOCK_CONNECTION_REFUSED")).toBe(true);
  });

  test("a wrong token", async () => {
    const store = await Store.start();
    const error = await failure(newClient({ key: () => "wrong" }).fetch(store.address, id(7), room));
    expect(isFlockError(error.cause, "FLOCK_UNAUTHORIZED")).toBe(true);
  });

  test("an upload that comes before it is announced waits for that", async () => {
    const store = await Store.start();
    store.early = new Map();
    const bytes = randomBytes(300_000);
    const put = newClient().put(store.address, id(7), bytes);
    await store.events.until((all) => all.includes("early 7"));
    store.expected.add(7);
    store.early.get(7)?.();
    await put;
    expect(Buffer.compare(store.results.get(7)!, bytes)).toBe(0);
  });

  test("an early upload is given up with its connection", async () => {
    const store = await Store.start();
    store.early = new Map();
    const abort = new AbortController();
    const put = failure(newClient().put(store.address, id(7), room(10), abort.signal));
    await store.events.until((all) => all.includes("early 7"));
    abort.abort();
    expect((await put).code).toBe("FLOCK_CANCELLED");
    await store.events.until((all) => all.includes("gave up 7"));
  });

  test("an upload that nobody announced", async () => {
    const store = await Store.start();
    const error = await failure(newClient().put(store.address, id(7), room(10)));
    expect(isFlockError(error.cause, "FLOCK_TASK_UNKNOWN")).toBe(true);
  });

  test("no room: the caller's own error comes back, and the next transfer works", async () => {
    const store = await Store.start();
    store.results.set(1, randomBytes(100_000));
    const client = newClient();
    const full = new FlockError("FLOCK_OUT_OF_MEMORY", "full");
    const thrown = await failure(
      client.fetch(store.address, id(1), () => {
        throw full;
      }),
    );
    expect(thrown).toBe(full);
    expect((await client.fetch(store.address, id(1), room)).length).toBe(100_000);
  });

  test("a fetch that is not wanted any more", async () => {
    const store = await Store.start();
    store.results.set(1, randomBytes(5_000_000));
    const abort = new AbortController();
    const client = newClient();
    const fetching = client.fetch(
      store.address,
      id(1),
      (bytes) => {
        setImmediate(() => abort.abort());
        return new Uint8Array(bytes);
      },
      abort.signal,
    );
    const outcome = await fetching.then(
      () => "done",
      (error) => error.code,
    );
    expect(["FLOCK_CANCELLED", "done"]).toContain(outcome);
    expect((await client.fetch(store.address, id(1), room)).length).toBe(5_000_000);
    expect((await failure(client.fetch(store.address, id(1), room, abort.signal))).code).toBe("FLOCK_CANCELLED");
  });

  test("a connection that is cut in the middle", async () => {
    const store = await Store.start();
    store.results.set(1, randomBytes(5_000_000));
    const relay = await Relay.start(store.server.port);
    cleanups.push(() => relay.close());
    const client = newClient();
    relay.answers = (chunk) => {
      if (chunk.length > 100) relay.cut();
      return chunk;
    };
    const error = await failure(client.fetch(relay.address, id(1), room));
    expect(error.code).toBe("FLOCK_TRANSFER_FAILED");
    expect(isFlockError(error.cause, "FLOCK_CONNECTION_LOST")).toBe(true);
    await store.events.until((events) => events.includes("released"));
    relay.answers = (chunk) => chunk;
    expect((await client.fetch(relay.address, id(1), room)).length).toBe(5_000_000);
  });

  test("an upload that is cut in the middle", async () => {
    const store = await Store.start();
    const relay = await Relay.start(store.server.port);
    cleanups.push(() => relay.close());
    store.expected.add(1);
    let passed = 0;
    relay.filter = (chunk) => {
      passed += chunk.length;
      if (passed > 1_000_000) setImmediate(() => relay.cut());
      return chunk;
    };
    const error = await failure(newClient().put(relay.address, id(1), randomBytes(20_000_000)));
    expect(isFlockError(error.cause, "FLOCK_CONNECTION_LOST")).toBe(true);
    await store.events.until((events) => events.includes("failed FLOCK_TRANSFER_FAILED"));
    expect(store.results.size).toBe(0);
  });

  test("bytes that changed on the way: the checksum tells", async () => {
    const store = await Store.start();
    store.expected.add(1);
    const relay = await Relay.start(store.server.port);
    cleanups.push(() => relay.close());
    relay.filter = (chunk) => {
      if (chunk.length > 2000) chunk[1000]! ^= 1;
      return chunk;
    };
    const error = await failure(newClient().put(relay.address, id(1), randomBytes(1_000_000)));
    expect(isFlockError(error.cause, "FLOCK_PROTOCOL")).toBe(true);
    expect((error.cause as Error).message).toMatch(/checksum/);
    await store.events.until((events) => events.includes("failed FLOCK_TRANSFER_FAILED"));
  });

  test("a result that changed on the way: the checksum tells, and nothing more is written to its room", async () => {
    const store = await Store.start();
    store.results.set(1, randomBytes(3_000_000));
    const relay = await Relay.start(store.server.port);
    cleanups.push(() => relay.close());
    let passed = 0;
    relay.answers = (chunk) => {
      passed += chunk.length;
      if (passed > 2_000_000) chunk[chunk.length >> 1]! ^= 1;
      return chunk;
    };
    const target = new Uint8Array(new SharedArrayBuffer(3_000_000));
    const error = await failure(newClient().fetch(relay.address, id(1), () => target));
    expect(isFlockError(error.cause, "FLOCK_PROTOCOL")).toBe(true);
    expect((error.cause as Error).message).toMatch(/checksum/);
    const then = Buffer.from(target);
    await store.events.until((events) => events.includes("released"));
    expect(Buffer.compare(then, target)).toBe(0);
  });

  test("a kept connection that has ended is replaced", async () => {
    const store = await Store.start();
    store.results.set(1, randomBytes(10));
    const relay = await Relay.start(store.server.port);
    cleanups.push(() => relay.close());
    const client = newClient();
    await client.fetch(relay.address, id(1), room);
    relay.cut();
    expect((await client.fetch(relay.address, id(1), room)).length).toBe(10);
  });

  test("the next request may come while this end still sends; a third is refused", async () => {
    const store = await Store.start();
    store.results.set(1, randomBytes(40_000_000));
    store.results.set(2, randomBytes(10));
    const hello = { t: "hello", role: "peer", protocol: PROTOCOL_VERSION, token: TOKEN, name: "" } as const;
    const ask = (task: number): Buffer => bulkFrame(OP.get, numbersBody(task, 1, 0, 0, 0));
    const answers = async (...tasks: number[]): Promise<number[]> => {
      const ops: number[] = [];
      let left = 0;
      const socket = connect(store.server.port, "127.0.0.1");
      const parser = new BulkParser({
        onFrame: (op, body) => {
          ops.push(op);
          if (op === OP.found) left = body.readDoubleLE(0);
        },
        chunkTarget: (length) => new Uint8Array(length),
        onChunk: (length) => {
          left -= length;
          if (left === 0 && ops.filter((op) => op === OP.found).length === tasks.length) socket.end();
        },
      });
      socket.on("data", (bytes: Buffer) => parser.feed(bytes)).on("error", () => undefined);
      socket.write(Buffer.concat([bulkFrame(OP.hello, encodeHandshake(hello)), ...tasks.map(ask)]));
      await new Promise((done) => socket.on("close", done));
      return ops;
    };
    expect(await answers(1, 2)).toEqual([OP.welcome, OP.found, OP.found]);
    expect((await answers(1, 2, 2)).filter((op) => op === OP.found).length).toBeLessThan(3);
    await store.events.until(() => store.leases === 0);
  });

  test("a browser's request is answered by the end of the connection", async () => {
    const store = await Store.start();
    await expect(fetch(`http://${store.address}/`)).rejects.toThrow();
    const socket = connect(store.server.port, "127.0.0.1", () =>
      socket.write(bulkFrame(OP.get, numbersBody(1, 1, 0, 0, 0))),
    );
    await new Promise((resolve) => socket.on("close", resolve).resume());
    expect(store.leases).toBe(0);
  });
});

test("any bytes, cut anywhere, are parsed or refused", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.uint8Array({ maxLength: 50 }), fc.constant(bulkFrame(OP.get, numbersBody(5)))), {
        maxLength: 6,
      }),
      fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 20 }),
      (parts, cuts) => {
        const stream = Buffer.concat(parts);
        const bodies: string[] = [];
        const parser = new BulkParser({
          onFrame: (op, body) => bodies.push(`${op} ${body.toString("hex")}`),
          chunkTarget: (length) => new Uint8Array(length),
          onChunk: () => {},
        });
        try {
          for (let at = 0, i = 0; at < stream.length; i++) {
            const size = cuts[i % cuts.length]!;
            parser.feed(stream.subarray(at, at + size));
            at += size;
          }
        } catch (error) {
          expect(isFlockError(error, "FLOCK_PROTOCOL")).toBe(true);
        }
        const leading = parts.findIndex((part) => !Buffer.isBuffer(part));
        const whole = leading === -1 ? parts.length : leading;
        expect(bodies.slice(0, whole)).toEqual(Array(whole).fill(`4 ${numbersBody(5).toString("hex")}`));
      },
    ),
    { seed: 7, numRuns: 500 },
  );
});

test("chunks cut anywhere are read to where they stay, whatever comes between them", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 1_300_000 }), { minLength: 1, maxLength: 3 }),
      fc.array(fc.integer({ min: 1, max: 400_000 }), { minLength: 4, maxLength: 10 }),
      (sizes, cuts) => {
        const sent = sizes.map((size, i) => new Uint8Array(size).fill(i + 1));
        const stream: Uint8Array[] = [];
        const write = (bytes: Uint8Array, done?: () => void): boolean => {
          stream.push(bytes.slice());
          done?.();
          return true;
        };
        for (const bytes of sent) {
          write(bulkFrame(OP.found, numbersBody(bytes.length)));
          sendChunks({ write, cork: () => {}, uncork: () => {} }, new Outgoing(bytes), knownChecksums(), () => {});
        }
        const got: Uint8Array[] = [];
        let receiving: Receiving | null = null;
        const parser = new BulkParser({
          onFrame: (_op, body) => {
            got.push(new Uint8Array(body.readDoubleLE(0)));
            receiving = new Receiving(got.at(-1)!);
          },
          chunkTarget: (length) => receiving!.chunkTarget(length),
          onChunk: (length) => receiving!.advance(length),
        });
        const bytes = Buffer.concat(stream);
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const { target } = parser;
          if (target.length === 0) throw new Error("no room for the next bytes");
          const part = bytes.subarray(at, at + Math.min(target.length, cuts[i % cuts.length]!));
          target.set(part);
          parser.advance(part.length);
          at += part.length;
        }
        expect(got.length).toBe(sent.length);
        for (const [i, result] of got.entries()) expect(Buffer.compare(result, sent[i]!)).toBe(0);
      },
    ),
    { seed: 7, numRuns: 30 },
  );
});
