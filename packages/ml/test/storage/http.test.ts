// Files of a web server: a real node:http server with ranges, redirects, breaks and refusals.
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openStorage } from "../../src/storage/open-storage.ts";
import type { ByteRange, Storage, StorageOptions } from "../../src/storage/storage.ts";
import { RangeServer } from "./range-server.ts";

const data = Uint8Array.from({ length: 2_000_000 }, (_, i) => (i * 31 + (i >> 8)) % 253);
let server: RangeServer;
let other: RangeServer;
beforeAll(async () => {
  server = await RangeServer.start();
  other = await RangeServer.start();
});
afterAll(async () => {
  await server.close();
  await other.close();
});
beforeEach(() => {
  for (const each of [server, other]) {
    each.reset();
    each.files.clear();
    each.files.set("/folder/data.bin", data);
  }
});

const open = (options?: StorageOptions, path = "/folder"): Promise<Storage> =>
  openStorage(server.address + path, options);
const same = (a: Uint8Array, range: ByteRange = { start: 0 }): boolean =>
  Buffer.from(a).equals(Buffer.from(data.subarray(range.start, range.end)));

describe("a web server", () => {
  it("gives files, parts of them and their sizes", async () => {
    const storage = await open();
    expect(await storage.size("data.bin")).toBe(data.length);
    expect(same(await storage.read("data.bin"))).toBe(true);
    for (const range of [
      { start: 0, end: 1 },
      { start: 1_000_000, end: 1_500_000 },
      { start: 1_999_000 },
      { start: 9, end: 9 },
    ])
      expect(same(await storage.read("data.bin", range), range)).toBe(true);
    expect(server.asked.map(({ range }) => range)).toEqual([
      "bytes=0-0",
      undefined,
      "bytes=0-0",
      "bytes=1000000-1499999",
      "bytes=1999000-",
    ]);
    expect((await storage.read("data.bin", { start: 2_000_000 })).length).toBe(0);
    server.files.set("/folder/empty", new Uint8Array());
    expect(await storage.size("empty")).toBe(0);
    expect((await storage.read("empty")).length).toBe(0);
    server.files.set("/folder/ä b#?.txt", Buffer.from("x"));
    expect(await storage.size("ä b#?.txt")).toBe(1);
  });

  it("gives parts also without ranges of its own", async () => {
    server.ranges = false;
    const storage = await open();
    const range = { start: 700_000, end: 900_000 };
    expect(same(await storage.read("data.bin", range), range)).toBe(true);
    expect(await storage.size("data.bin")).toBe(data.length);
  });

  it("is only read", async () => {
    const storage = await open();
    for (const use of [
      () => storage.write("x", data),
      () => storage.append("x", data),
      () => storage.remove("x"),
      () => storage.list(),
    ])
      await expect(use()).rejects.toMatchObject({ code: "FLOCK_STORAGE_UNSUPPORTED" });
    expect(server.asked).toEqual([]);
  });

  it("is followed where it redirects, and keeps headers from other servers", async () => {
    server.before = (request, response) => {
      if (request.url?.startsWith("/folder/away") !== true) return false;
      response.writeHead(302, { location: `${other.address}/folder/data.bin` }).end();
      return true;
    };
    const storage = await open({ headers: { authorization: "Bearer secret" } });
    expect(same(await storage.read("away"))).toBe(true);
    expect(server.asked[0]?.headers.authorization).toBe("Bearer secret");
    expect(other.asked[0]?.headers.authorization).toBeUndefined();
    server.before = (_, response) => {
      response.writeHead(307, { location: "/again" }).end();
      return true;
    };
    await expect(storage.read("data.bin")).rejects.toMatchObject({ code: "FLOCK_STORAGE_FAILED" });
    expect(server.asked.length).toBe(1 + 11);
  });

  it("keeps query, user and password of the address out of messages, and sends them", async () => {
    const address = `${server.address.replace("//", "//ada:pass%20word@")}/folder?signature=secret`;
    const storage = await openStorage(address);
    expect(same(await storage.read("data.bin"))).toBe(true);
    expect(server.asked[0]?.headers.authorization).toBe(`Basic ${Buffer.from("ada:pass word").toString("base64")}`);
    const failed: Error = await storage.read("absent").then(
      () => expect.unreachable(),
      (error) => error,
    );
    expect(`${storage.url} ${failed.message} ${failed.stack} ${JSON.stringify(failed)}`).not.toMatch(/secret|pass/);
  });
});

describe("what breaks", () => {
  it("goes on at the next byte", async () => {
    server.cutAfter = () => 300_000;
    const storage = await open();
    expect(same(await storage.read("data.bin"))).toBe(true);
    expect(server.asked.length).toBeGreaterThan(6);
    // It asks for what is missing, of the same version of the file.
    expect(server.asked[1]?.range).toMatch(/^bytes=\d+-$/);
    expect(server.asked[1]?.headers["if-match"]).toMatch(/^"/);
  });

  it("does not mix two versions of a file", async () => {
    let cuts = 0;
    server.cutAfter = () => (cuts++ === 0 ? 500_000 : undefined);
    const pieces = (await open()).stream("data.bin")[Symbol.asyncIterator]();
    await pieces.next();
    server.files.set("/folder/data.bin", data.slice().reverse());
    const rest = async (): Promise<void> => {
      for (let next = await pieces.next(); next.done !== true; ) next = await pieces.next();
    };
    await expect(rest()).rejects.toMatchObject({
      code: "FLOCK_STORAGE_FAILED",
      message: expect.stringContaining("changed"),
    });
  });

  it("is tried again while it may pass, and not without end", async () => {
    let refusals = 2;
    server.before = (_, response) => {
      if (refusals-- <= 0) return false;
      response.writeHead(503, { "retry-after": "0" }).end();
      return true;
    };
    expect(same(await (await open()).read("data.bin"))).toBe(true);
    expect(server.asked.length).toBe(3);
    refusals = 100;
    const before = server.asked.length;
    await expect((await open({ retries: 1 })).read("data.bin")).rejects.toMatchObject({
      code: "FLOCK_STORAGE_UNREACHABLE",
      message: expect.stringMatching(/data\.bin: the server answers 503; tried 2 times/),
    });
    expect(server.asked.length - before).toBe(2);
  });

  it("fails with a code when the server falls silent", async () => {
    server.before = (_, response) => {
      response.writeHead(200, { "content-length": data.length });
      response.write(data.subarray(0, 1000));
      return true;
    };
    await expect((await open({ retries: 1, timeoutMs: 50 })).read("data.bin")).rejects.toMatchObject({
      code: "FLOCK_STORAGE_UNREACHABLE",
      message: expect.stringContaining("nothing came for 50 ms"),
    });
    server.before = () => true;
    await expect((await open({ retries: 0, timeoutMs: 50 })).size("data.bin")).rejects.toMatchObject({
      code: "FLOCK_STORAGE_UNREACHABLE",
      message: expect.stringContaining("no answer within 50 ms"),
    });
  });

  it("fails with a code when nobody is there", async () => {
    const gone = await RangeServer.start();
    const { address } = gone;
    await gone.close();
    const storage = await openStorage(address, { retries: 1 });
    await expect(storage.read("x")).rejects.toMatchObject({
      code: "FLOCK_STORAGE_UNREACHABLE",
      message: expect.stringContaining(address),
    });
  });

  it("says what the server refuses", async () => {
    const storage = await open();
    await expect(storage.read("absent")).rejects.toMatchObject({ code: "FLOCK_STORAGE_NOT_FOUND" });
    for (const [status, code] of [
      [403, "FLOCK_STORAGE_DENIED"],
      [401, "FLOCK_STORAGE_DENIED"],
      [418, "FLOCK_STORAGE_FAILED"],
    ] as const) {
      server.before = (_, response) => {
        response.writeHead(status).end();
        return true;
      };
      await expect(storage.read("data.bin")).rejects.toMatchObject({ code });
    }
    server.before = (_, response) => {
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(data));
      return true;
    };
    await expect(storage.read("data.bin")).rejects.toMatchObject({
      code: "FLOCK_STORAGE_FAILED",
      message: expect.stringContaining("compressed"),
    });
  });
});
