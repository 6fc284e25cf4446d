// Fetches of a worker whose holders die, lie out of reach, or have less time than others.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BulkClient, BulkServer, FlockError, type Holder, type TaskId, type WhyMissing } from "@taskflock/protocol";
import { afterEach, expect, test, vi } from "vitest";
import { Gate } from "../../../test/system/gate.ts";
import { Arena } from "../src/arena.ts";
import { LandingGround } from "../src/spill/landing.ts";
import { writeSpillFile } from "../src/spill/spill-file.ts";
import { SpillFolder } from "../src/spill/spill-folder.ts";
import { Store } from "../src/store.ts";
import { type TransferEvents, Transfers } from "../src/transfers.ts";

const TOKEN = "a token";
const MIB = 1024 * 1024;
const id = (n: number): TaskId => n as TaskId;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

class Reader implements TransferEvents {
  readonly arena: Arena;
  readonly store: Store;
  readonly transfers: Transfers;
  readonly events: string[] = [];
  #heard: (() => void)[] = [];

  constructor(limitBytes: number, folder: SpillFolder | null = null) {
    this.arena = new Arena({ limitBytes, segmentBytes: MIB });
    this.store = new Store(this.arena, { folder });
    const client = new BulkClient({ key: () => TOKEN });
    this.transfers = new Transfers(new LandingGround(this.arena, this.store, MIB), client, this);
    cleanups.push(() => {
      this.transfers.close();
      client.close();
    });
  }

  fetched(task: TaskId, bytes: number): void {
    this.#say(`fetched ${task} ${bytes}`);
  }

  fetchFailed(task: TaskId, holder: Holder, full: boolean, why: WhyMissing): void {
    this.#say(`failed ${task} at ${holder.worker} ${full ? "full" : why}`);
  }

  uploaded(task: TaskId, bytes: number): void {
    this.#say(`uploaded ${task} ${bytes}`);
  }

  uploadFailed(task: TaskId): void {
    this.#say(`upload of ${task} failed`);
  }

  spoiled(task: TaskId): void {
    this.#say(`spoiled ${task}`);
  }

  async next(): Promise<string> {
    while (this.events.length === 0) await new Promise<void>((resolve) => this.#heard.push(resolve));
    return this.events.shift() ?? "";
  }

  holds(task: number): Uint8Array {
    const lease = this.store.lease(id(task));
    if (lease === null) throw new Error(`${task} is not here`);
    const copy = lease.bytes.slice();
    lease.release();
    return copy;
  }

  #say(event: string): void {
    this.events.push(event);
    for (const hear of this.#heard.splice(0)) hear();
  }
}

async function holderOf(worker: number, results: Record<number, Uint8Array>): Promise<{ gate: Gate; holder: Holder }> {
  const server = await BulkServer.listen({
    ...{ host: "127.0.0.1", port: 0, key: () => TOKEN, identity: () => worker, accept: () => null },
    open: (task) => (results[task] === undefined ? null : { bytes: results[task], release: () => {} }),
  });
  cleanups.push(() => server.close());
  const gate = await Gate.start(server.port);
  cleanups.push(() => gate.close());
  return { gate, holder: { worker: worker as never, address: gate.address, version: 1 } };
}

test("what a holder gave before it died is not fetched again", async () => {
  const bytes = randomBytes(16 * MIB);
  const [one, two] = [await holderOf(1, { 5: bytes }), await holderOf(2, { 5: bytes })];
  const reader = new Reader(256 * MIB);
  one.gate.stopAt(10 * MIB);
  reader.transfers.fetch(id(5), one.holder);
  await one.gate.stopped();
  one.gate.close();
  expect(await reader.next()).toBe("failed 5 at 1 gone");
  reader.transfers.fetch(id(5), two.holder);
  expect(await reader.next()).toBe(`fetched 5 ${bytes.length}`);
  expect(Buffer.compare(reader.holds(5), bytes)).toBe(0);
  expect(two.gate.passed).toBeLessThan(15 * MIB);
  reader.store.drop(id(5));
  expect(reader.arena.usedBytes).toBe(0);
});

test("it is given up when its room is wanted, when nobody wants it, and when it takes too much of the memory", async () => {
  const [bytes, large] = [randomBytes(16 * MIB), randomBytes(36 * MIB)];
  const { holder } = await holderOf(1, { 6: large });
  const begin = async (reader: Reader): Promise<void> => {
    const { gate, holder: dying } = await holderOf(2, { 5: bytes });
    gate.stopAt(8 * MIB);
    reader.transfers.fetch(id(5), dying);
    await gate.stopped();
    gate.close();
    expect(await reader.next()).toBe("failed 5 at 2 gone");
  };
  const little = new Reader(32 * MIB);
  await begin(little);
  expect(little.arena.usedBytes).toBe(0);
  const reader = new Reader(64 * MIB);
  await begin(reader);
  expect(reader.arena.usedBytes).toBe(16 * MIB);
  reader.transfers.stopFetch(id(5));
  expect(reader.arena.usedBytes).toBe(0);
  await begin(reader);
  const other = new Reader(40 * MIB * 4);
  await begin(other);
  const rest = other.arena.allocate(other.arena.limitBytes - 20 * MIB);
  expect(rest).not.toBeNull();
  other.transfers.fetch(id(6), holder);
  expect(await other.next()).toBe(`failed 6 at 1 full`);
  expect(other.arena.usedBytes).toBe(rest?.length);
});

test("says whether nobody was there, or somebody who does not have it", async () => {
  const { gate, holder } = await holderOf(1, {});
  const reader = new Reader(MIB);
  reader.transfers.fetch(id(5), holder);
  expect(await reader.next()).toBe("failed 5 at 1 gone");
  reader.transfers.fetch(id(5), { ...holder, worker: 9 as never });
  expect(await reader.next()).toBe("failed 5 at 9 unreachable"); // another answers there
  reader.transfers.fetch(id(5), { ...holder, address: "relay:nobody" });
  expect(await reader.next()).toBe("failed 5 at 1 relay");
  gate.close();
  reader.transfers.fetch(id(5), { ...holder, worker: 8 as never, address: "127.0.0.1:9" });
  expect(await reader.next()).toBe("failed 5 at 8 unreachable");
});

test("an upload that breaks off is taken when it comes again", async () => {
  const reader = new Reader(64 * MIB);
  const server = await BulkServer.listen({
    ...{ host: "127.0.0.1", port: 0, key: () => TOKEN, open: () => null },
    accept: (task, bytes) => reader.transfers.accept(task, bytes),
  });
  cleanups.push(() => server.close());
  const bytes = randomBytes(20 * MIB);
  const proxy = createServer((near) => {
    const far = connect(server.port, "127.0.0.1");
    for (const socket of [near, far])
      socket.on("error", () => {}).on("close", () => [near, far].map((s) => s.destroy()));
    far.pipe(near);
    let passed = 0;
    const cuts = connections++ === 0;
    near.on("data", (chunk: Buffer) => {
      passed += chunk.length;
      if (cuts && passed > 5 * MIB) near.destroy();
      else if (!far.write(chunk)) far.once("drain", () => near.resume()) && near.pause();
    });
  }).listen(0, "127.0.0.1");
  let connections = 0;
  await once(proxy, "listening");
  cleanups.push(() => proxy.close());
  const client = new BulkClient({ key: () => TOKEN });
  cleanups.push(() => client.close());
  reader.transfers.expect(id(5), bytes.length);
  await client.put(`127.0.0.1:${(proxy.address() as AddressInfo).port}`, id(5), bytes);
  expect(connections).toBe(2);
  expect(await reader.next()).toBe(`uploaded 5 ${bytes.length}`);
  expect(Buffer.compare(reader.holds(5), bytes)).toBe(0);
  expect(reader.arena.usedBytes).toBe(bytes.length);
});

test("a file that is gone because its lease has ended says nothing of the result", async () => {
  const directory = mkdtempSync(join(tmpdir(), "transfers-test-"));
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
  const reader = new Reader(MIB, new SpillFolder(directory, "test"));
  for (const task of [1, 2]) {
    const place = reader.store.room(2 * MIB);
    if (place === null) throw new Error("there is no room");
    writeSpillFile(reader.store.pathOf(place), randomBytes(2 * MIB));
    reader.store.put(id(task), place);
    const source = reader.transfers.open(id(task));
    if (source === null || "bytes" in source) throw new Error("it is no file");
    if (task === 1) {
      source.release();
      reader.store.drop(id(task));
    }
    rmSync(reader.store.pathOf(place), { force: true });
    await expect(source.read(0, 10)).rejects.toThrow(/cannot be used/);
    if (task === 2) source.release();
  }
  expect(reader.events).toEqual(["spoiled 2"]);
});

test("an upload that is expected anew is not given up because of the one before it", () => {
  vi.useFakeTimers();
  cleanups.push(() => vi.useRealTimers());
  const reader = new Reader(MIB);
  reader.transfers.expect(id(1), 10);
  const target = reader.transfers.accept(id(1), 10);
  if (target === null || "wait" in target) throw new Error("it is not expected");
  target.failed(new FlockError("FLOCK_TRANSFER_FAILED", "cut"));
  reader.transfers.expect(id(1), 20);
  vi.advanceTimersByTime(3_600_000);
  expect(reader.events).toEqual([]);
  expect(reader.transfers.accept(id(1), 20)).toHaveProperty("target");
});
