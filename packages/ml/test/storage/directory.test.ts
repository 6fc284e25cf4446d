// A folder as a storage: on a real file system, with its real failures.
import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { openStorage } from "../../src/storage/open-storage.ts";
import type { Storage } from "../../src/storage/storage.ts";

const root = mkdtempSync(join(tmpdir(), "taskflock-storage-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (data: Uint8Array): string => Buffer.from(data).toString();
const fresh = async (): Promise<{ folder: string; storage: Storage }> => {
  const folder = mkdtempSync(join(root, "case-"));
  return { folder, storage: await openStorage(folder) };
};

describe("a folder", () => {
  it("writes, reads, sizes, appends, lists and removes", async () => {
    const { folder, storage } = await fresh();
    await storage.write("run-1/epoch-1.bin", bytes("first"));
    await storage.write("run-1/epoch-2.bin", bytes("second"));
    await storage.append("run-1/log.csv", bytes("a\n"));
    await storage.append("run-1/log.csv", bytes("b\n"));
    await storage.write("run-2.bin", bytes(""));
    expect(text(await storage.read("run-1/epoch-1.bin"))).toBe("first");
    expect(readFileSync(join(folder, "run-1/log.csv"), "utf8")).toBe("a\nb\n");
    expect(await storage.size("run-1/epoch-2.bin")).toBe(6);
    expect(await storage.list()).toEqual([
      { name: "run-1/epoch-1.bin", bytes: 5 },
      { name: "run-1/epoch-2.bin", bytes: 6 },
      { name: "run-1/log.csv", bytes: 4 },
      { name: "run-2.bin", bytes: 0 },
    ]);
    expect((await storage.list("run-1/e")).map(({ name }) => name)).toEqual(["run-1/epoch-1.bin", "run-1/epoch-2.bin"]);
    expect((await storage.list("run-")).length).toBe(4);
    expect(await storage.list("absent/")).toEqual([]);
    await storage.remove("run-1/epoch-1.bin");
    await storage.remove("run-1/epoch-1.bin");
    expect((await storage.list("run-1/")).map(({ name }) => name)).toEqual(["run-1/epoch-2.bin", "run-1/log.csv"]);
  });

  it("reads and streams parts", async () => {
    const { storage } = await fresh();
    const data = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 7) % 251);
    await storage.write("data", data);
    const streamed = async (range?: { start: number; end?: number }): Promise<Buffer> => {
      const pieces: Uint8Array[] = [];
      for await (const piece of storage.stream("data", range)) pieces.push(piece);
      return Buffer.concat(pieces);
    };
    for (const range of [
      { start: 0, end: 1 },
      { start: 999_999, end: 2_500_000 },
      { start: 2_999_990 },
      { start: 5, end: 5 },
    ]) {
      const expected = Buffer.from(data.subarray(range.start, range.end));
      expect(Buffer.from(await storage.read("data", range)).equals(expected)).toBe(true);
      expect((await streamed(range)).equals(expected)).toBe(true);
    }
    expect((await streamed()).equals(data)).toBe(true);
    // Past the end there is nothing.
    expect((await storage.read("data", { start: 2_999_999, end: 4_000_000 })).length).toBe(1);
    expect((await storage.read("data", { start: 4_000_000, end: 5_000_000 })).length).toBe(0);
    await expect(storage.read("data", { start: 2, end: 1 })).rejects.toMatchObject({ code: "FLOCK_ARGUMENT_INVALID" });
  });

  it("is opened by path, by file: address, and made by the first write", async () => {
    const folder = join(root, "made", "deeper");
    const storage = await openStorage(pathToFileURL(folder));
    expect(storage.url).toBe(folder);
    expect(await storage.list()).toEqual([]);
    expect(existsSync(folder)).toBe(false);
    await storage.write("a/b.txt", bytes("x"));
    expect(readFileSync(join(folder, "a", "b.txt"), "utf8")).toBe("x");
  });

  it("lists what is there while folders beside it come and go", async () => {
    const { folder, storage } = await fresh();
    await storage.write("steady/file", bytes("x"));
    let listing = true;
    const changing = (async () => {
      while (listing) {
        await mkdir(join(folder, "passing/deep/er/still"), { recursive: true }).catch(() => undefined);
        await rm(join(folder, "passing"), { recursive: true, force: true }).catch(() => undefined);
      }
    })();
    for (let i = 0; i < 400; i++) expect((await storage.list()).map(({ name }) => name)).toContain("steady/file");
    listing = false;
    await changing;
    expect(await storage.list("steady/file/")).toEqual([]);
  });

  it("lets no name leave it", async () => {
    const { storage } = await fresh();
    for (const name of ["../x", "a/../../x", "/etc/passwd", "", "a//b", "./a", "a/", "a\0b"]) {
      for (const use of [() => storage.read(name), () => storage.write(name, bytes("x")), () => storage.remove(name)])
        await expect(use(), name).rejects.toMatchObject({ code: "FLOCK_STORAGE_ADDRESS" });
    }
    await expect(storage.list("../")).rejects.toMatchObject({ code: "FLOCK_STORAGE_ADDRESS" });
    await expect(openStorage("ftp://host/x")).rejects.toMatchObject({ code: "FLOCK_STORAGE_ADDRESS" });
    await expect(openStorage(root, { retry: 2 } as object)).rejects.toMatchObject({ code: "FLOCK_OPTION_INVALID" });
  });

  it("says in code and words why it failed", async () => {
    const { folder, storage } = await fresh();
    await expect(storage.read("absent.bin")).rejects.toMatchObject({
      code: "FLOCK_STORAGE_NOT_FOUND",
      message: expect.stringContaining(join(folder, "absent.bin")),
    });
    await storage.write("file", bytes("x"));
    await expect(storage.write("file/below", bytes("x"))).rejects.toMatchObject({ code: "FLOCK_STORAGE_NOT_FOUND" });
    await storage.write("folder/file", bytes("x"));
    await expect(storage.write("folder", bytes("x"))).rejects.toMatchObject({ code: "FLOCK_STORAGE_NOT_FOUND" });
    await expect(storage.size("folder")).rejects.toMatchObject({ code: "FLOCK_STORAGE_NOT_FOUND" });
    const reading = async (): Promise<void> => {
      for await (const _ of storage.stream("absent.bin"));
    };
    await expect(reading()).rejects.toMatchObject({ code: "FLOCK_STORAGE_NOT_FOUND" });
  });

  // Root may write anywhere.
  it.runIf(process.platform === "linux" && process.getuid?.() !== 0)("says that access is denied", async () => {
    const { folder, storage } = await fresh();
    chmodSync(folder, 0o500);
    await expect(storage.write("x", bytes("x"))).rejects.toMatchObject({ code: "FLOCK_STORAGE_DENIED" });
  });

  it.runIf(existsSync("/dev/full"))("says that the disk is full, and leaves nothing behind", async () => {
    const { folder, storage } = await fresh();
    symlinkSync("/dev/full", join(folder, "full"));
    await expect(storage.append("full", bytes("x"))).rejects.toMatchObject({ code: "FLOCK_STORAGE_FULL" });
  });
});

describe("a write", () => {
  it("leaves no temporary file when it fails, and none is listed", async () => {
    const { folder, storage } = await fresh();
    mkdirSync(join(folder, "taken"));
    await expect(storage.write("taken", bytes("x"))).rejects.toThrow();
    expect(readdirSync(folder)).toEqual(["taken"]);
    writeFileSync(join(folder, ".taskflock-0123456789abcdef.tmp"), "half");
    expect(await storage.list()).toEqual([]);
  });

  it("is whole or not there, whenever the process is killed", async () => {
    const { folder, storage } = await fresh();
    const source = fileURLToPath(new URL("../../src/storage/open-storage.ts", import.meta.url));
    const program = `
      const { openStorage } = await import(${JSON.stringify(pathToFileURL(source).href)});
      const storage = await openStorage(${JSON.stringify(folder)});
      for (let i = 0; ; i = (i + 1) % 250) { await storage.write("model.bin", new Uint8Array(4_000_000).fill(i)); process.stdout.write("."); }`;
    const writer = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program]);
    const ended = new Promise((resolve) => writer.on("close", resolve));
    await new Promise((resolve) => writer.stdout.once("data", resolve));
    const whole = async (): Promise<void> => {
      const data = await storage.read("model.bin");
      expect(data.length).toBe(4_000_000);
      expect(data.every((byte) => byte === data[0])).toBe(true);
    };
    for (let i = 0; i < 20; i++) await whole();
    writer.kill("SIGKILL");
    await ended;
    await whole();
    expect((await storage.list()).map(({ name }) => name)).toEqual(["model.bin"]);
  });

  // What the kernel is asked for, in order: that it survives a power cut cannot be tried here.
  it.runIf(hasStrace())("is on disk before it takes the name, and the name is on disk before it returns", async () => {
    const { folder } = await fresh();
    const source = fileURLToPath(new URL("../../src/storage/open-storage.ts", import.meta.url));
    const program = `
      const { openStorage } = await import(${JSON.stringify(pathToFileURL(source).href)});
      await (await openStorage(${JSON.stringify(folder)})).write("model.bin", new Uint8Array(100));`;
    const trace = join(root, "trace");
    execFileSync("strace", [
      "-f",
      "-e",
      "trace=fsync,rename,renameat,renameat2",
      "-o",
      trace,
      process.execPath,
      "--import",
      "tsx",
      "--input-type=module",
      "-e",
      program,
    ]);
    const calls = [...readFileSync(trace, "utf8").matchAll(/\b(fsync|rename)(?:at2?)?\(/g)].map(([, call]) => call);
    expect(calls).toEqual(["fsync", "rename", "fsync"]);
  });
});

function hasStrace(): boolean {
  try {
    execFileSync("strace", ["true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
