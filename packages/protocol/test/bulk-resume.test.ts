// Transfers that break, go wrong or wait, over real sockets.

import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import {
  BulkClient,
  BulkServer,
  type BulkServerOptions,
  type BulkSource,
  isFlockError,
  Received,
  type TaskId,
} from "../src/index.ts";
import { Log, Relay, TOKEN } from "./link-fixture.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const MIB = 1024 * 1024;
const TASK = 1 as TaskId;
const room = (bytes: number): Uint8Array => new Uint8Array(bytes);

class Holder {
  readonly events: Log<string> = new Log();
  leases = 0;
  server!: BulkServer;

  static async start(source: () => BulkSource | Uint8Array, options: Partial<BulkServerOptions> = {}): Promise<Holder> {
    const holder = new Holder();
    const open = (): BulkSource => {
      const given = source();
      holder.leases++;
      holder.events.add("open");
      const release = (): void => {
        holder.leases--;
        holder.events.add("released");
      };
      return given instanceof Uint8Array ? { bytes: given, release } : { ...given, release };
    };
    holder.server = await BulkServer.listen({
      ...{ host: "127.0.0.1", port: 0, key: () => TOKEN, open, accept: () => null },
      ...options,
    });
    cleanups.push(() => holder.server.close());
    return holder;
  }

  get address(): string {
    return `127.0.0.1:${this.server.port}`;
  }
}

/** In front of a holder, so that bytes can be counted, changed and cut. */
async function proxyOf(holder: Holder): Promise<Relay & { passed: number }> {
  const relay = Object.assign(await Relay.start(holder.server.port), { passed: 0 });
  cleanups.push(() => relay.close());
  relay.answers = (chunk) => {
    relay.passed += chunk.length;
    return chunk;
  };
  return relay;
}

/** Cuts once so many bytes of answers have passed, and then again after as many. */
function cutEvery(relay: Relay & { passed: number }, bytes: number, times: number): void {
  const { answers } = relay;
  let cuts = 0;
  relay.answers = (chunk) => {
    const passed = answers(chunk);
    if (cuts < times && relay.passed > (cuts + 1) * bytes) {
      cuts++;
      setImmediate(() => relay.cut());
    }
    return passed;
  };
}

function newClient(options: { stallMs?: number; maxPerPeer?: number; key?: () => string } = {}): BulkClient {
  const client = new BulkClient({ key: () => TOKEN, ...options });
  cleanups.push(() => client.close());
  return client;
}

async function causeOf(promise: Promise<unknown>): Promise<{ code: string; reached: boolean }> {
  const error = await promise.then(
    () => new Error("it did not fail"),
    (failure) => failure,
  );
  if (!isFlockError(error, "FLOCK_TRANSFER_FAILED") || !isFlockError(error.cause)) throw error;
  return { code: error.cause.code, reached: (error as unknown as { reached: boolean }).reached };
}

describe("a transfer that breaks goes on where it was", () => {
  test("at the same holder, several times, into the same room", async () => {
    const bytes = randomBytes(12 * MIB);
    const holder = await Holder.start(() => bytes);
    const proxy = await proxyOf(holder);
    cutEvery(proxy, 3 * MIB, 3);
    const client = newClient();
    let rooms = 0;
    const got = await client.fetch(proxy.address, TASK, (size) => {
      rooms++;
      return new Uint8Array(size);
    });
    expect(Buffer.compare(got, bytes)).toBe(0);
    expect([rooms, client.counts.resumed]).toEqual([1, 3]);
    // Each cut costs what was under way, at most: two chunks, and what lay in buffers.
    expect(proxy.passed).toBeLessThan(12 * MIB + 3 * 6 * MIB);
    await holder.events.until(() => holder.leases === 0);
  });

  test("at another holder: only the rest comes", async () => {
    const bytes = randomBytes(16 * MIB);
    const first = await Holder.start(() => bytes);
    const second = await Holder.start(() => bytes);
    const [one, two] = [await proxyOf(first), await proxyOf(second)];
    cutEvery(one, 9 * MIB, 1);
    const client = newClient();
    const received = new Received();
    const abandoned = one.answers;
    one.answers = (chunk) => {
      const passed = abandoned(chunk);
      if (one.passed > 9 * MIB) one.close();
      return passed;
    };
    const broken = await causeOf(client.fetch(one.address, TASK, room, undefined, received));
    expect(broken).toEqual({ code: "FLOCK_CONNECTION_LOST", reached: true });
    const before = received.bytes;
    expect(before).toBeGreaterThanOrEqual(MIB);
    const got = await client.fetch(two.address, TASK, room, undefined, received);
    expect(Buffer.compare(got, bytes)).toBe(0);
    expect(two.passed).toBeLessThan(bytes.length - before + MIB);
    expect(two.passed).toBeGreaterThanOrEqual(bytes.length - before);
  });

  test("of a holder whose result lies elsewhere than in memory, too", async () => {
    const bytes = randomBytes(7 * MIB + 5);
    const reads: number[] = [];
    const read = async (offset: number, length: number): Promise<Uint8Array> => {
      reads.push(offset);
      return bytes.subarray(offset, offset + length);
    };
    const holder = await Holder.start(() => ({ size: bytes.length, read, release: () => {} }));
    const received = new Received();
    received.target = new Uint8Array(bytes.length);
    received.target.set(bytes.subarray(0, 5 * MIB));
    received.bytes = 5 * MIB;
    const got = await newClient().fetch(holder.address, TASK, room, undefined, received);
    expect(Buffer.compare(got, bytes)).toBe(0);
    expect(reads).toEqual([0, 4 * MIB, 5 * MIB, 6 * MIB, 7 * MIB]); // the sum of the start, then the rest
    await holder.events.until(() => holder.leases === 0);
  });

  test("begins anew where the start differs, or the size: a function may have run twice", async () => {
    const bytes = randomBytes(3 * MIB);
    const holder = await Holder.start(() => bytes);
    for (const size of [3 * MIB, 4 * MIB]) {
      const received = new Received();
      received.target = randomBytes(size);
      received.bytes = 2 * MIB;
      const got = await newClient().fetch(holder.address, TASK, room, undefined, received);
      expect(Buffer.compare(got, bytes)).toBe(0);
    }
  });

  test("is given up when a holder breaks off again and again without a byte more", async () => {
    const holder = await Holder.start(() => randomBytes(3 * MIB));
    const proxy = await proxyOf(holder);
    proxy.answers = (chunk) => {
      if (chunk.length > 100) proxy.cut();
      return chunk;
    };
    expect(await causeOf(newClient().fetch(proxy.address, TASK, room))).toEqual({
      code: "FLOCK_CONNECTION_LOST",
      reached: true,
    });
  });
});

describe("what is damaged on its way", () => {
  test("is asked for again, and counted; the result is right", async () => {
    const bytes = randomBytes(20 * MIB);
    const holder = await Holder.start(() => bytes);
    const proxy = await proxyOf(holder);
    let next = 2 * MIB;
    const { answers } = proxy;
    proxy.answers = (chunk) => {
      answers(chunk);
      if (proxy.passed > next) {
        next += 10 * MIB;
        chunk[chunk.length >> 1]! ^= 4;
      }
      return chunk;
    };
    const client = newClient();
    const got = await client.fetch(proxy.address, TASK, room);
    expect(Buffer.compare(got, bytes)).toBe(0);
    expect(client.counts.corrupt).toBeGreaterThan(0);
    expect(client.counts.resumed).toBeGreaterThanOrEqual(client.counts.corrupt);
  });

  test("always: it fails, and the next holder's bytes are taken", async () => {
    const bytes = randomBytes(5 * MIB);
    const holder = await Holder.start(() => bytes);
    const proxy = await proxyOf(holder);
    proxy.answers = (chunk) => {
      if (chunk.length > 1000) chunk[chunk.length - 1]! ^= 1;
      return chunk;
    };
    const client = newClient();
    const received = new Received();
    const damaged = await causeOf(client.fetch(proxy.address, TASK, room, undefined, received));
    expect(damaged.code).toBe("FLOCK_PROTOCOL");
    const got = await client.fetch(holder.address, TASK, room, undefined, received);
    expect(Buffer.compare(got, bytes)).toBe(0);
  });
});

describe("who waits, and for whom", () => {
  test("one peer that asks for much does not keep another waiting", async () => {
    const gates: (() => void)[] = [];
    const opened: Log<string> = new Log();
    let turn = 0;
    const source = (): BulkSource => {
      const name = `${++turn}`;
      opened.add(name);
      const read = (): Promise<Uint8Array> => new Promise((resolve) => gates.push(() => resolve(new Uint8Array(10))));
      return { size: 10, read, release: () => {} };
    };
    const holder = await Holder.start(source, { sending: { total: 2, perPeer: 1, waiting: 100 } });
    const [greedy, modest] = [newClient({ maxPerPeer: 10 }), newClient()];
    const many = Array.from({ length: 6 }, () => greedy.fetch(holder.address, TASK, room));
    await opened.count(1);
    const few = modest.fetch(holder.address, TASK, room);
    await opened.count(2); // the second of two at once is the other peer's
    expect(holder.leases).toBe(2);
    const done = Promise.all([...many, few]);
    const step = (): void => {
      for (const open of gates.splice(0)) open();
    };
    const pump = setInterval(step, 1);
    cleanups.push(() => clearInterval(pump));
    expect((await done).length).toBe(7);
  });

  test("a holder with no time at all is asked again later", async () => {
    let finish: () => void = () => {};
    const slow = new Promise<Uint8Array>((resolve) => {
      finish = () => resolve(new Uint8Array(10));
    });
    const holder = await Holder.start(() => ({ size: 10, read: () => slow, release: () => {} }), {
      sending: { total: 1, perPeer: 1, waiting: 0 },
    });
    const first = newClient().fetch(holder.address, TASK, room);
    await holder.events.until((events) => events.includes("open"));
    const second = newClient().fetch(holder.address, TASK, room);
    finish();
    expect((await Promise.all([first, second])).map(({ length }) => length)).toEqual([10, 10]);
  });

  test("nothing moves: the transfer fails, coded, and the lease is given back", async () => {
    const holder = await Holder.start(() => ({
      size: 10,
      read: () => new Promise<never>(() => {}),
      release: () => {},
    }));
    const client = newClient({ stallMs: 200 });
    expect(await causeOf(client.fetch(holder.address, TASK, room))).toEqual({
      code: "FLOCK_WAIT_TIMEOUT",
      reached: true,
    });
    await holder.events.until((events) => events.includes("released"));
  });
});

describe("who answers", () => {
  test("another worker at the same address is not the peer: it was not reached", async () => {
    const holder = await Holder.start(() => new Uint8Array(5), { identity: () => 7 });
    const client = newClient();
    const at = (worker: number): { address: string; worker: never } => ({
      address: holder.address,
      worker: worker as never,
    });
    expect(await causeOf(client.fetch(at(8), TASK, room))).toEqual({
      code: "FLOCK_CONNECTION_REFUSED",
      reached: false,
    });
    expect((await client.fetch(at(7), TASK, room)).length).toBe(5);
    expect((await client.fetch(holder.address, TASK, room)).length).toBe(5);
  });

  test("nobody, or somebody who does not know the token, was not reached either", async () => {
    const holder = await Holder.start(() => new Uint8Array(5));
    const { address } = holder;
    const stranger = newClient({ key: () => "wrong" });
    expect(await causeOf(stranger.fetch(address, TASK, room))).toEqual({ code: "FLOCK_UNAUTHORIZED", reached: false });
    await holder.server.close();
    expect(await causeOf(newClient().fetch(address, TASK, room))).toEqual({
      code: "FLOCK_CONNECTION_REFUSED",
      reached: false,
    });
  });
});
