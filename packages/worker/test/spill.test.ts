import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import type { BulkSink, TaskId } from "@taskflock/protocol";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Arena } from "../src/arena.ts";
import { IN_FILE } from "../src/slot/batch.ts";
import { Landing, LandingGround } from "../src/spill/landing.ts";
import { readSpilledPart, readSpillFile, SpoiledFile, spillToFile, writeSpillFile } from "../src/spill/spill-file.ts";
import { removeSpillFolder, removeStaleFolders, SpillFolder } from "../src/spill/spill-folder.ts";
import { type Lease, Store } from "../src/store.ts";

const MIB = 1024 * 1024;
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "spill-test-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const patterned = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 17 + (i >>> 8)) & 255);
const id = (task: number): TaskId => task as TaskId;

/** A store with its arena, and what the two do. */
class Bench {
  readonly arena: Arena;
  readonly store: Store;
  readonly folder: SpillFolder;
  readonly troubles: unknown[] = [];

  constructor(limitBytes: number, at = directory) {
    this.arena = new Arena({ limitBytes, segmentBytes: limitBytes });
    this.folder = new SpillFolder(at, "test");
    const onTrouble = (error: unknown): unknown => this.troubles.push(error);
    this.store = new Store(this.arena, { folder: this.folder, onTrouble });
  }

  put(task: number, bytes: Uint8Array): void {
    const place = this.store.room(bytes.length)!;
    if (place.segment === IN_FILE) writeSpillFile(this.store.pathOf(place), bytes);
    else this.arena.view(place).set(bytes);
    this.store.put(id(task), place);
  }

  read({ place, bytes }: Lease): Uint8Array {
    return place.segment === IN_FILE ? readSpillFile(this.store.pathOf(place), place.length) : bytes.slice();
  }

  has(task: number): Uint8Array | null {
    const lease = this.store.lease(id(task));
    if (lease === null) return null;
    const bytes = this.read(lease);
    lease.release();
    return bytes;
  }

  isFile(task: number): boolean {
    const lease = this.store.lease(id(task))!;
    lease.release();
    return lease.place.segment === IN_FILE;
  }

  get files(): string[] {
    return existsSync(this.folder.path) ? readdirSync(this.folder.path) : [];
  }
}

describe("what is used longest ago goes to files", () => {
  test("first, until a quarter of the arena is free", async () => {
    const bench = new Bench(10_240);
    for (let task = 1; task <= 8; task++) bench.put(task, patterned(1024, task));
    bench.has(1); // the oldest, used again
    expect(bench.files).toEqual([]);
    bench.put(9, patterned(1024, 9));
    await expect.poll(() => [2, 3].every((task) => bench.isFile(task))).toBe(true);
    expect([1, 4, 5, 6, 7, 8, 9].filter((task) => bench.isFile(task))).toEqual([]);
    expect(bench.arena.usedBytes).toBe(7 * 1024);
    expect(bench.store).toMatchObject({ spilledBytes: 2048, spillCount: 2 });
    for (let task = 1; task <= 9; task++) expect(bench.has(task)).toEqual(patterned(1024, task));
  });

  test("what is read stays in memory as long as that; what was read while it was written goes after that", async () => {
    const bench = new Bench(10_240);
    bench.put(1, patterned(1024, 1));
    bench.put(2, patterned(1024, 2));
    const held = bench.store.lease(id(1))!;
    for (let task = 3; task <= 9; task++) bench.put(task, patterned(1024, task));
    const late = bench.store.lease(id(2))!; // it is on its way to its file
    expect(late.place.segment).not.toBe(IN_FILE);
    await expect.poll(() => bench.isFile(3)).toBe(true);
    await expect.poll(() => bench.files.length).toBe(2);
    expect(bench.read(held)).toEqual(patterned(1024, 1));
    expect(bench.read(late)).toEqual(patterned(1024, 2));
    held.release();
    expect(bench.isFile(1)).toBe(false);
    late.release();
    await expect.poll(() => bench.isFile(2)).toBe(true);
    expect(bench.has(2)).toEqual(patterned(1024, 2));
  });

  test("what finds no room is a file from the start, and room is made for the next", async () => {
    const bench = new Bench(10_240);
    for (let task = 1; task <= 4; task++) bench.put(task, patterned(2048, task));
    bench.put(5, patterned(4096, 5));
    expect(bench.isFile(5)).toBe(true);
    await expect.poll(() => bench.arena.usedBytes).toBeLessThanOrEqual(10_240 - 4096);
    bench.put(6, patterned(2048, 6));
    expect(bench.isFile(6)).toBe(false);
    bench.put(7, patterned(40_960, 7));
    for (const [task, length] of [2048, 2048, 2048, 2048, 4096, 2048, 40_960].entries())
      expect(bench.has(task + 1)).toEqual(patterned(length, task + 1));
  });

  test("files go with what is dropped, after its last reader, and all go at the end", async () => {
    const bench = new Bench(4096);
    bench.put(1, patterned(8192, 1));
    bench.put(2, patterned(8192, 2));
    const lease = bench.store.lease(id(1))!;
    bench.store.drop(id(1));
    bench.store.drop(id(2));
    expect(bench.store.spilledBytes).toBe(0);
    await expect.poll(() => bench.files.length).toBe(1);
    expect(bench.read(lease)).toEqual(patterned(8192, 1));
    lease.release();
    await expect.poll(() => bench.files.length).toBe(0);
    bench.put(3, patterned(8192, 3));
    bench.store.close();
    expect(existsSync(bench.folder.path)).toBe(false);
  });

  test("where there are no files, what finds no room has none", () => {
    const store = new Store(new Arena({ limitBytes: 4096, segmentBytes: 4096 }));
    expect(store.room(8192)).toBeNull();
  });

  test("any order of puts, reads, drops and writes leaves what was put", async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant("put"), task: fc.nat(12), size: fc.nat(3000) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant("lease"), task: fc.nat(12), size: fc.constant(0) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("release"), task: fc.nat(12), size: fc.constant(0) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("drop"), task: fc.nat(12), size: fc.constant(0) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("wait"), task: fc.constant(0), size: fc.constant(0) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const bench = new Bench(8192);
        const model = new Map<number, Uint8Array>();
        const leases: { lease: Lease; bytes: Uint8Array }[] = [];
        for (const [at, { do: what, task, size }] of steps.entries()) {
          if (what === "put") {
            model.set(task, patterned(size, at));
            bench.put(task, patterned(size, at));
          } else if (what === "drop") {
            model.delete(task);
            bench.store.drop(id(task));
          } else if (what === "lease") {
            const lease = bench.store.lease(id(task));
            expect(lease === null).toBe(!model.has(task));
            if (lease !== null) leases.push({ lease, bytes: model.get(task)! });
          } else if (what === "release") leases.splice(task % Math.max(1, leases.length), 1)[0]?.lease.release();
          else await new Promise((resolve) => setImmediate(resolve));
          for (const { lease, bytes } of leases) expect(bench.read(lease)).toEqual(bytes);
        }
        for (const [task, bytes] of model) expect(bench.has(task)).toEqual(bytes);
        for (const { lease } of leases) lease.release();
        for (const task of model.keys()) bench.store.drop(id(task));
        await expect.poll(() => bench.files.length, { interval: 2 }).toBe(0);
        await expect.poll(() => bench.arena.usedBytes, { interval: 2 }).toBe(0);
        expect(bench.store.spilledBytes).toBe(0);
        expect(bench.troubles).toEqual([]);
        bench.store.close();
      }),
      { numRuns: 60 },
    );
  });
});

describe("a disk that takes nothing", () => {
  /** A folder cannot be made below a file. */
  const blocked = (): Bench => {
    const file = join(directory, "a file");
    writeFileSync(file, "");
    return new Bench(10_240, file);
  };

  test("leaves in memory what is there, and says so once for a while", async () => {
    const bench = blocked();
    for (let task = 1; task <= 9; task++) bench.put(task, patterned(1024, task));
    await expect.poll(() => bench.troubles.length).toBeGreaterThan(0);
    for (let task = 1; task <= 9; task++) expect(bench.has(task)).toEqual(patterned(1024, task));
    expect(bench.troubles.length).toBeLessThanOrEqual(2);
    expect(bench.troubles[0]).toMatchObject({ code: "FLOCK_DISK_FULL" });
    expect(bench.store.spillCount).toBe(0);
  });

  test("fails what finds no room in memory, coded", async () => {
    const bench = blocked();
    const place = bench.store.room(20_480)!;
    expect(() => writeSpillFile(bench.store.pathOf(place), new Uint8Array(20_480))).toThrow(
      expect.objectContaining({ code: "FLOCK_DISK_FULL" }),
    );
    const landing = new Landing(new LandingGround(bench.arena, bench.store, MIB));
    landing.take(20_480);
    await expect(landing.settle()).rejects.toMatchObject({ code: "FLOCK_DISK_FULL" });
    expect(landing.full).toBe(true);
  });
});

describe("what comes from outside", () => {
  test("goes to the arena, or over memory of its own to a file; so much at a time", async () => {
    const bench = new Bench(4096);
    const ground = new LandingGround(bench.arena, bench.store, 10_000);
    const small = new Landing(ground);
    const [large, second, third] = [new Landing(ground), new Landing(ground), new Landing(ground)];
    small.take(100).set(patterned(100, 1));
    large.take(20_000).set(patterned(20_000, 2));
    expect(() => second.take(5000)).toThrow(expect.objectContaining({ code: "FLOCK_OUT_OF_MEMORY" }));
    expect(second.full).toBe(true);
    bench.store.put(id(1), await small.settle());
    bench.store.put(id(2), await large.settle());
    expect(bench.has(1)).toEqual(patterned(100, 1));
    expect(bench.has(2)).toEqual(patterned(20_000, 2));
    expect(bench.isFile(2)).toBe(true);
    second.take(5000);
    second.giveBack();
    third.take(10_000);
    third.giveBack();
  });
});

describe("an upload", () => {
  const send = (target: Uint8Array | BulkSink, bytes: Uint8Array, piece: number): void => {
    for (let at = 0; at < bytes.length; at += piece) {
      const part = bytes.subarray(at, at + piece);
      if (target instanceof Uint8Array) target.set(part, at);
      else {
        target.room(part.length).set(part);
        target.took(target.room(part.length));
      }
    }
  };

  test.each([1, 1000, 2 * MIB, 3 * MIB + 17])(
    "of %i bytes is written as it comes, in pieces of any size",
    async (length) => {
      for (const piece of [MIB, 700_001]) {
        const bench = new Bench(4096);
        const landing = new Landing(new LandingGround(bench.arena, bench.store, MIB));
        send(landing.sink(length), patterned(length, 5), piece);
        bench.store.put(id(1), await landing.settle());
        expect(Buffer.compare(bench.has(1)!, patterned(length, 5))).toBe(0);
        expect(bench.isFile(1)).toBe(length > 4096);
        bench.store.close();
      }
    },
  );

  test("that ends early leaves nothing; one that the disk does not take is told at its end", async () => {
    const bench = new Bench(4096);
    const ground = new LandingGround(bench.arena, bench.store, MIB);
    const early = new Landing(ground);
    send(early.sink(3 * MIB), patterned(MIB, 5), MIB);
    early.giveBack();
    await expect.poll(() => bench.files).toEqual([]);
    rmSync(bench.folder.path, { recursive: true });
    writeFileSync(bench.folder.path, "");
    const none = new Landing(ground);
    send(none.sink(2 * MIB), patterned(2 * MIB, 5), MIB);
    await expect(none.settle()).rejects.toMatchObject({ code: "FLOCK_DISK_FULL" });
    rmSync(bench.folder.path);
  });
});

describe("a file", () => {
  const path = (): string => join(directory, "file");

  test.each([0, 1, 1000, MIB, MIB + 1, 3 * MIB + 17])(
    "of %i bytes is read as it was written, whole and in parts",
    async (length) => {
      const bytes = patterned(length, 3);
      writeSpillFile(path(), bytes);
      expect(Buffer.compare(readSpillFile(path(), length), bytes)).toBe(0);
      for (const [from, count] of [
        [0, length],
        [Math.floor(length / 2), Math.ceil(length / 3)],
      ] as const)
        expect(
          Buffer.compare(await readSpilledPart(path(), length, from, count), bytes.subarray(from, from + count)),
        ).toBe(0);
      rmSync(path());
      await spillToFile(path(), bytes);
      expect(Buffer.compare(readSpillFile(path(), length), bytes)).toBe(0);
    },
  );

  test("that is damaged anywhere, cut short, too long or gone is not read", async () => {
    const length = 2 * MIB + 5;
    for (const damage of [
      ...[0, MIB, length - 1, length, length + 11, length + 13, length + 24].map((at) => (file: Buffer) => {
        file[at]! ^= 1;
        return file;
      }),
      (file: Buffer) => file.subarray(0, file.length - 1),
      (file: Buffer) => Buffer.concat([file, file.subarray(0, 1)]),
      () => Buffer.alloc(0),
    ]) {
      rmSync(path(), { force: true });
      writeSpillFile(path(), patterned(length, 9));
      writeFileSync(path(), damage(readFileSync(path())));
      expect(() => readSpillFile(path(), length)).toThrow(SpoiledFile);
      await expect(readSpilledPart(path(), length, 0, length)).rejects.toThrow(SpoiledFile);
    }
    rmSync(path());
    expect(() => readSpillFile(path(), length)).toThrow(SpoiledFile);
    await expect(readSpilledPart(path(), length, 0, 1)).rejects.toThrow(SpoiledFile);
  });
});

describe("folders", () => {
  test("are this user's alone, and are named by machine, process and life", () => {
    const folder = new SpillFolder(directory, "life-1");
    folder.make();
    folder.make();
    expect(folder.path).toMatch(new RegExp(`taskflock-spill-[0-9a-f]{8}-${process.pid}-life-1$`));
    removeSpillFolder(directory, "life-2");
    expect(existsSync(folder.path)).toBe(true);
    removeSpillFolder(directory, "life-1");
    expect(existsSync(folder.path)).toBe(false);
  });

  test("of processes that are gone are removed; those of living ones, of other machines, and others stay", () => {
    const own = new SpillFolder(directory, "x");
    own.make();
    const nobody = 2 ** 30;
    const stale = own.path.replace(`-${process.pid}-`, `-${nobody}-`);
    const elsewhere = join(directory, `taskflock-spill-00000000-${nobody}-x`);
    const other = join(directory, `other-${hostname()}`);
    for (const path of [stale, elsewhere, other]) mkdirSync(path);
    writeFileSync(join(stale, "1"), "x");
    removeStaleFolders(directory);
    expect([own.path, stale, elsewhere, other].map((path) => existsSync(path))).toEqual([true, false, true, true]);
    own.remove();
    expect(existsSync(own.path)).toBe(false);
    expect(removeStaleFolders(join(directory, "nowhere"))).toEqual([]);
  });
});
