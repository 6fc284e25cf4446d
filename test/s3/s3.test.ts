// Files and tables on a real S3 API: Ceph's radosgw, which the tests start themselves.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import {
  CreateBucketCommand,
  GetBucketLocationCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { parquetWriteBuffer } from "hyparquet-writer";
import {
  InlineExecutor,
  LocalCluster,
  openStorage,
  parquetInfo,
  readCsv,
  readParquet,
  type StorageOptions,
} from "taskflock";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { missingS3Server } from "../../scripts/s3-server.mjs";
import { four, inEpochThree, losses } from "../system/training-models.ts";
import { GatewayProxy } from "./gateway-proxy.ts";
import { type S3Server, startS3 } from "./radosgw.ts";

const missing = missingS3Server();
if (missing !== undefined) console.warn(`The tests of S3 are skipped: ${missing}`);

describe.skipIf(missing !== undefined)("S3", () => {
  let server: S3Server;
  let client: S3Client;
  let options: StorageOptions;

  beforeAll(async () => {
    server = await startS3();
    const { endpoint, accessKeyId, secretAccessKey } = server;
    const credentials = { accessKeyId, secretAccessKey };
    options = { s3: { endpoint, credentials, region: "us-east-1" } };
    client = new S3Client({ endpoint, credentials, region: "us-east-1", forcePathStyle: true });
    await client.send(new CreateBucketCommand({ Bucket: "things" }));
  });
  afterAll(async () => {
    client?.destroy();
    await server?.stop();
  });

  const open = (place: string, more: StorageOptions = {}) =>
    openStorage(`s3://things/${place}`, { ...options, ...more });
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
  const failureOf = async (work: Promise<unknown>): Promise<Error & { code?: string }> =>
    await work.then(
      () => expect.unreachable("it should fail"),
      (error) => error,
    );

  describe("a bucket", () => {
    it("writes, reads, sizes, appends, lists and removes, also with the settings of the environment", async () => {
      vi.stubEnv("AWS_ENDPOINT_URL_S3", server.endpoint);
      vi.stubEnv("AWS_ACCESS_KEY_ID", server.accessKeyId);
      vi.stubEnv("AWS_SECRET_ACCESS_KEY", server.secretAccessKey);
      try {
        const storage = await openStorage("s3://things/runs/");
        await storage.write("a/epoch-1", Buffer.from("first"));
        await storage.write("a/ö ?#%.bin", Buffer.from("second"));
        await storage.append("a/log", Buffer.from("1,"));
        await storage.append("a/log", Buffer.from("2"));
        expect(text(await storage.read("a/log"))).toBe("1,2");
        expect(text(await storage.read("a/epoch-1", { start: 1, end: 3 }))).toBe("ir");
        expect(text(await storage.read("a/epoch-1", { start: 3 }))).toBe("st");
        expect(text(await storage.read("a/epoch-1", { start: 9, end: 12 }))).toBe("");
        expect(await storage.size("a/ö ?#%.bin")).toBe(6);
        expect(await storage.list("a/e")).toEqual([{ name: "a/epoch-1", bytes: 5 }]);
        expect((await storage.list()).map(({ name }) => name)).toEqual(["a/epoch-1", "a/log", "a/ö ?#%.bin"]);
        expect(await (await openStorage("s3://things")).list("runs/a/l")).toEqual([{ name: "runs/a/log", bytes: 3 }]);
        await storage.remove("a/log");
        await storage.remove("a/log");
        expect((await storage.list()).length).toBe(2);
      } finally {
        vi.unstubAllEnvs();
      }
    });

    it("lists more files than S3 tells at once", async () => {
      const storage = await open("many");
      const names = Array.from({ length: 1050 }, (_, i) => `f${String(i).padStart(4, "0")}`);
      let next = 0;
      const writer = async (): Promise<void> => {
        for (let name = names[next++]; name !== undefined; name = names[next++])
          await storage.write(name, new Uint8Array(1));
      };
      await Promise.all(Array.from({ length: 32 }, writer));
      expect((await storage.list()).map(({ name }) => name)).toEqual(names);
    });

    it("shows the old file or the new one, whole, while it is written", async () => {
      const storage = await open("atomic");
      const version = (value: number): Uint8Array => new Uint8Array(3_000_000).fill(value);
      await storage.write("model", version(0));
      let writing = true;
      const writer = (async () => {
        for (let value = 1; value < 15; value++) await storage.write("model", version(value));
      })().finally(() => {
        writing = false;
      });
      let reads = 0;
      for (; writing || reads === 0; reads++) {
        const bytes = await storage.read("model");
        expect(bytes.length).toBe(3_000_000);
        expect(bytes.every((byte) => byte === bytes[0])).toBe(true);
      }
      await writer;
      expect(text((await storage.read("model")).subarray(0, 1))).toBe(String.fromCharCode(14));
    });

    it("takes large files in parts, and drops the parts when one fails", async () => {
      const storage = await open("large");
      const bytes = new Uint8Array((64 << 20) + 5);
      bytes[bytes.length - 1] = 7;
      await storage.write("file", bytes);
      const { ETag, ContentLength } = await client.send(new HeadObjectCommand({ Bucket: "things", Key: "large/file" }));
      expect(ETag).toMatch(/-5"$/);
      expect(ContentLength).toBe(bytes.length);
      expect([...(await storage.read("file", { start: bytes.length - 2 }))]).toEqual([0, 7]);

      const proxy = await GatewayProxy.start(server.endpoint);
      try {
        proxy.refuse = ({ url }) => (url?.includes("partNumber=3") === true ? 403 : undefined);
        const through = await open("large", { s3: { ...options.s3, endpoint: proxy.endpoint } });
        expect(await failureOf(through.write("other", bytes))).toMatchObject({ code: "FLOCK_STORAGE_DENIED" });
      } finally {
        await proxy.close();
      }
      expect((await client.send(new ListMultipartUploadsCommand({ Bucket: "things" }))).Uploads ?? []).toEqual([]);
      expect((await storage.list()).map(({ name }) => name)).toEqual(["file"]);
    });
  });

  describe("what fails", () => {
    it("has a code and says what to do: no file, no bucket", async () => {
      const storage = await open("none");
      for (const use of [() => storage.read("x"), () => storage.size("x")]) {
        const error = await failureOf(use());
        expect(error).toMatchObject({
          code: "FLOCK_STORAGE_NOT_FOUND",
          message: expect.stringContaining("s3://things/none/x"),
        });
      }
      const nowhere = await openStorage("s3://no-such-bucket/x", options);
      for (const use of [
        () => nowhere.read("x"),
        () => nowhere.size("x"),
        () => nowhere.write("x", new Uint8Array(1)),
        () => nowhere.list(),
      ]) {
        const error = await failureOf(use());
        expect(error).toMatchObject({
          code: "FLOCK_STORAGE_NOT_FOUND",
          message: expect.stringContaining("no bucket s3://no-such-bucket"),
        });
      }
    });

    it("is denied with a wrong secret or key, and tells neither", async () => {
      const { accessKeyId, secretAccessKey } = server;
      for (const credentials of [
        { accessKeyId, secretAccessKey: "wrong-secret" },
        { accessKeyId: "unknown-key", secretAccessKey },
      ]) {
        const storage = await open("denied", { s3: { ...options.s3, credentials } });
        for (const use of [
          () => storage.read("x"),
          () => storage.size("x"),
          () => storage.write("x", new Uint8Array(1)),
          () => storage.list(),
        ]) {
          const error = await failureOf(use());
          expect(error).toMatchObject({ code: "FLOCK_STORAGE_DENIED" });
          const told = `${error.message} ${error.stack} ${(error.cause as Error).stack} ${JSON.stringify(error.cause)}`;
          expect(told).not.toContain(credentials.secretAccessKey);
          expect(told).not.toContain(secretAccessKey);
        }
      }
    });

    it("goes on with a download when the server was killed and is back, and fails with a code when it is not", async () => {
      const bytes = Uint8Array.from({ length: 20_000_000 }, (_, i) => (i * 31) % 251);
      await (await open("killed")).write("file", bytes);
      const storage = await open("killed", { retries: 12 });
      const pieces = storage.stream("file")[Symbol.asyncIterator]();
      const got = [(await pieces.next()).value as Uint8Array];
      await server.killGateway();
      const back = server.startGateway();
      for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) got.push(next.value);
      await back;
      expect(Buffer.concat(got).equals(bytes)).toBe(true);

      const again = (await open("killed", { retries: 1 })).stream("file")[Symbol.asyncIterator]();
      await again.next();
      await server.killGateway();
      const rest = async (): Promise<void> => {
        for (let next = await again.next(); next.done !== true; ) next = await again.next();
      };
      expect(await failureOf(rest())).toMatchObject({
        code: "FLOCK_STORAGE_UNREACHABLE",
        message: expect.stringContaining("s3://things/killed/file"),
      });
      await server.startGateway();
      await client.send(new GetBucketLocationCommand({ Bucket: "things" }));
    });
  });

  it("keeps the checkpoints of a training, which goes on from them when its process dies", async () => {
    const { endpoint, accessKeyId, secretAccessKey } = server;
    vi.stubEnv("AWS_ENDPOINT_URL_S3", endpoint);
    vi.stubEnv("AWS_ACCESS_KEY_ID", accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", secretAccessKey);
    const folder = mkdtempSync(join(tmpdir(), "taskflock-s3-training-"));
    const cluster = await LocalCluster.start({ workers: 1, threadsPerWorker: 1 });
    const workers = await cluster.connect({ logs: "ignore" });
    try {
      const undisturbed = await new InlineExecutor().train({ ...four, checkpoints: false }).result();
      const dies = inEpochThree(join(folder, "flag"), "die");
      const run = workers.train({ ...four, callbacks: [dies], checkpoints: "s3://things/training" });
      const { history } = await run.result();
      expect(losses(history)).toEqual(losses(undisturbed.history));
      expect(history.map(({ resumed }) => resumed)).toEqual([0, 0, 1, 1]);
      const storage = await open("training");
      expect((await storage.list()).filter(({ name }) => name.endsWith(".checkpoint")).length).toBeGreaterThan(0);
    } finally {
      vi.unstubAllEnvs();
      await workers.close();
      await cluster.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  describe("tables", () => {
    const count = 3000;
    const ids = Array.from({ length: count }, (_, i) => i);
    const noise = (row: number): string =>
      Array.from({ length: 40 }, (_, i) => Math.sin(row * 41 + i).toString(36)).join("");
    const columnData = [
      { name: "id", data: ids, type: "INT32" as const },
      { name: "body", data: ids.map(noise), type: "STRING" as const },
    ];

    it("of Parquet: a file, a pattern, a folder; only the columns asked for are fetched", async () => {
      const bytes = new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: 1000 }));
      const storage = await open("posts");
      await storage.write("part-0.parquet", bytes);
      await storage.write("part-1.parquet", bytes);
      await storage.write("_SUCCESS", new Uint8Array());
      const proxy = await GatewayProxy.start(server.endpoint);
      try {
        const through = { storage: { s3: { ...options.s3, endpoint: proxy.endpoint } } };
        const { id } = await readParquet<{ id: number }>("s3://things/posts/part-0.parquet", {
          columns: ["id"],
          ...through,
        }).readAll();
        expect(id).toEqual(ids);
        // Its size, its end, a range per row group.
        const ranges = proxy.passed.filter(({ method }) => method === "GET").map(({ range }) => range);
        expect(ranges).toEqual(Array(4).fill(expect.stringMatching(/^bytes=\d+-\d+$/)));
        expect(proxy.bytes).toBeLessThan(64 * 1024 + 3 * 8000);
        expect(bytes.length).toBeGreaterThan(1_000_000);
        for (const source of [
          "s3://things/posts/*.parquet",
          "s3://things/posts/",
          "s3://things/posts",
          "s3://things/**/part-?.parquet",
        ]) {
          proxy.passed.length = 0;
          const both = await readParquet<{ id: number }>(source, {
            columns: ["id"],
            limit: 3500,
            ...through,
          }).readAll();
          expect(both.id).toEqual([...ids, ...ids.slice(0, 500)]);
        }
        expect(await parquetInfo("s3://things/posts", through)).toMatchObject({
          rows: 2 * count,
          rowGroups: 6,
          bytes: 2 * bytes.length,
        });
        expect(await failureOf(readParquet("s3://things/absent/*.parquet", through).readAll())).toMatchObject({
          code: "FLOCK_STORAGE_NOT_FOUND",
        });
      } finally {
        await proxy.close();
      }
    });

    it("of CSV, plain and packed, streamed", async () => {
      const csv = `id,body\n${ids.map((id) => `${id},"${noise(id)}\n"`).join("\n")}\n`;
      const storage = await open("csv");
      await storage.write("1.csv", Buffer.from(csv));
      await storage.write("2.csv.gz", gzipSync(csv));
      const table = readCsv<{ id: number; body: string }>("s3://things/csv/*", { storage: options });
      const { id, body } = await table.readAll();
      expect(id).toEqual([...ids, ...ids]);
      expect(body.at(-1)).toBe(`${noise(count - 1)}\n`);
    });
  });
});
