// Relays over real connections: a port as the scheduler's, readers and holders that reach each other only by it.

import { randomBytes } from "node:crypto";
import {
  type Admission,
  BulkClient,
  BulkServer,
  type BulkServerOptions,
  type Hello,
  isFlockError,
  LinkServer,
  NO_CA,
  oneToken,
  openRelay,
  PayloadStore,
  relayedAddress,
  type StreamAdmission,
  type TaskId,
  TransferFailed,
  type WorkerId,
} from "@taskflock/protocol";
import { afterEach, describe, expect, test } from "vitest";
import { Gate } from "../../../test/system/gate.ts";
import { Relays } from "../src/relays.ts";
import { Cleanups, Log, TOKEN } from "./shell-fixture.ts";

const cleanups = new Cleanups();
afterEach(() => cleanups.run());

const MIB = 1024 * 1024;
const WORKER = 7 as WorkerId;
const TASK = 1 as TaskId;
const room = (bytes: number): Uint8Array => new Uint8Array(bytes);

class Place {
  readonly told: Log<string> = new Log();
  /** Whether the worker comes when it is told. */
  comes = true;
  most = 0;
  relays!: Relays;
  key = "";
  #port!: LinkServer;
  #holder!: BulkServer;

  static async start(bytes: Uint8Array, options: { max?: number } & Partial<BulkServerOptions> = {}): Promise<Place> {
    const place = new Place();
    const { max = 4, ...serving } = options;
    place.relays = new Relays({ max, tell: (worker, key) => place.#tell(worker, key) });
    place.key = place.relays.keyFor(WORKER);
    place.#port = await LinkServer.listen({
      ...{ host: "127.0.0.1", port: 0, authenticator: oneToken(TOKEN), payloads: new PayloadStore() },
      admit: (hello) => place.#admit(hello),
    });
    const open = () => ({ bytes, release: () => {} });
    const holder = { host: "127.0.0.1", port: 0, key: () => TOKEN, identity: () => WORKER, open, accept: () => null };
    place.#holder = await BulkServer.listen({ ...holder, ...serving });
    cleanups.add(async () => {
      place.relays.close();
      await place.#holder.close();
      await place.#port.close();
    });
    return place;
  }

  get address(): string {
    return `127.0.0.1:${this.#port.port}`;
  }

  client(): BulkClient {
    const client = new BulkClient({ key: () => TOKEN, scheduler: { address: this.address, trust: NO_CA } });
    cleanups.add(() => client.close());
    return client;
  }

  get holder(): { address: string; worker: WorkerId } {
    return { address: relayedAddress(this.key), worker: WORKER };
  }

  async come(key: string): Promise<void> {
    this.#holder.serve(await openRelay(key, { address: this.address, trust: NO_CA }, TOKEN, "holder"));
  }

  #tell(worker: WorkerId, key: string): void {
    expect(worker).toBe(WORKER);
    this.most = Math.max(this.most, this.relays.counts.active);
    this.told.add(key);
    if (this.comes) void this.come(key);
  }

  #admit(hello: Hello): Admission | StreamAdmission {
    if (hello.role !== "relay") throw new Error("only relays come here");
    const { side, key } = hello;
    const numbers = { id: 0, received: 0, creditBytes: 1, admissionBytes: 1, inlineLimitBytes: 1, now: 0 as never };
    return {
      welcome: { scheduler: "s", name: "", secret: "x", resumed: false, ...numbers },
      stream: (ends) => (side === "reader" ? this.relays.read(key, ends) : this.relays.hold(key, ends)),
    };
  }
}

async function failure(promise: Promise<unknown>): Promise<TransferFailed> {
  const error = await promise.then(
    () => new Error("it did not fail"),
    (one) => one,
  );
  if (!(error instanceof TransferFailed)) throw error;
  return error;
}

describe("what goes through the scheduler", () => {
  test("a fetch, and one that goes on from where another broke", async () => {
    const bytes = randomBytes(9 * MIB + 3);
    const place = await Place.start(bytes);
    const got = await place.client().fetch(place.holder, TASK, room);
    expect(Buffer.compare(got, bytes)).toBe(0);
    const { total, bytes: passed } = place.relays.counts;
    expect(total).toBe(1);
    expect(passed).toBeGreaterThan(9 * MIB);
    expect(passed).toBeLessThan(10 * MIB);
  });

  test("an upload", async () => {
    const bytes = randomBytes(5 * MIB);
    const target = room(bytes.length);
    const events: Log<string> = new Log();
    const accept = () => ({ target, done: () => events.add("stored"), failed: () => events.add("failed") });
    const place = await Place.start(bytes, { accept });
    await place.client().put(place.holder, TASK, bytes);
    await events.has("stored");
    expect(Buffer.compare(target, bytes)).toBe(0);
  });

  test("is bounded: so many at once, the others in their order; places become free", async () => {
    const bytes = randomBytes(2 * MIB);
    const place = await Place.start(bytes, { max: 2 });
    const clients = Array.from({ length: 6 }, () => place.client());
    const all = await Promise.all(clients.map((client) => client.fetch(place.holder, TASK, room)));
    for (const got of all) expect(Buffer.compare(got, bytes)).toBe(0);
    expect([place.most, place.relays.counts.total]).toEqual([2, 6]);
    await expect.poll(() => place.relays.counts).toMatchObject({ active: 0, waiting: 0 });
  });

  test("a reader that does not read holds back its holder; others go on, and nothing lies at the scheduler", async () => {
    const bytes = new Uint8Array(192 * MIB);
    const place = await Place.start(bytes);
    const gate = await Gate.start(Number(place.address.split(":")[1]));
    cleanups.add(() => gate.close());
    gate.stopAt(MIB);
    const behind = new BulkClient({ key: () => TOKEN, scheduler: { address: gate.address, trust: NO_CA } });
    cleanups.add(() => behind.close());
    const slow = behind.fetch(place.holder, TASK, room);
    await gate.stopped();
    // The same port passes another's bytes on meanwhile, from the same holder.
    expect((await place.client().fetch(place.holder, TASK, room)).length).toBe(bytes.length);
    expect(gate.passed).toBeLessThan(8 * MIB);
    expect(place.relays.counts.bytes - bytes.length).toBeLessThan(32 * MIB);
    gate.open();
    expect((await slow).length).toBe(bytes.length);
  });
});

describe("what does not", () => {
  test("a key that nobody has, and one whose worker is gone", async () => {
    const place = await Place.start(room(1));
    const wrong = await failure(place.client().fetch(relayedAddress("wrong"), TASK, room));
    expect(isFlockError(wrong.cause, "FLOCK_CONNECTION_REFUSED")).toBe(true);
    expect(wrong.reached).toBe(false);
    place.comes = false;
    const waiting = failure(place.client().fetch(place.holder, TASK, room));
    await place.told.until((told) => told.length === 1);
    place.relays.workerGone(WORKER);
    expect((await waiting).reached).toBe(false);
    expect((await failure(place.client().fetch(place.holder, TASK, room))).reached).toBe(false);
    expect(place.relays.counts).toMatchObject({ active: 0, waiting: 0 });
  });

  test("a holder's key that is wrong, or comes twice", async () => {
    const place = await Place.start(room(1));
    const stranger = await openRelay("wrong", { address: place.address, trust: NO_CA }, TOKEN, "holder");
    await new Promise((resolve) => stranger.on("end", resolve).resume());
    expect(place.relays.counts.total).toBe(0);
  });

  test("without the token nobody gets as far", async () => {
    const place = await Place.start(room(1));
    const refused = await openRelay(
      relayedAddress(place.key),
      { address: place.address, trust: NO_CA },
      "wrong",
      "reader",
    ).catch((error) => error);
    expect(isFlockError(refused, "FLOCK_CONNECTION_REFUSED")).toBe(true);
    expect(place.relays.counts).toMatchObject({ active: 0, waiting: 0, total: 0 });
  });
});

test("a worker whose link was cut is told again when it is back", async () => {
  const bytes = randomBytes(MIB);
  const place = await Place.start(bytes);
  place.comes = false;
  const got = place.client().fetch(place.holder, TASK, room);
  await place.told.until((told) => told.length === 1);
  place.comes = true;
  place.relays.workerUp(WORKER);
  expect(Buffer.compare(await got, bytes)).toBe(0);
  expect(place.told.entries[1]).toBe(place.told.entries[0]);
});

test("a reader that leaves gives its place to the next", async () => {
  const bytes = randomBytes(MIB);
  const place = await Place.start(bytes, { max: 1 });
  place.comes = false;
  const abort = new AbortController();
  const left = place.client().fetch(place.holder, TASK, room, abort.signal);
  await place.told.until((told) => told.length === 1);
  const next = place.client().fetch(place.holder, TASK, room);
  await expect.poll(() => place.relays.counts.waiting).toBe(1);
  place.comes = true;
  abort.abort();
  await expect(left).rejects.toMatchObject({ code: "FLOCK_CANCELLED" });
  expect(Buffer.compare(await next, bytes)).toBe(0);
});
