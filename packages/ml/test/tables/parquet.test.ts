// Parquet from files, bytes and web servers; which bytes are fetched is part of the promise.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parquetInfo, readParquet } from "../../src/tables/read.ts";
import type { ParquetOptions } from "../../src/tables/types.ts";
import { RangeServer } from "../storage/range-server.ts";

const folder = mkdtempSync(join(tmpdir(), "taskflock-parquet-"));
let server: RangeServer;
beforeAll(async () => {
  server = await RangeServer.start();
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await server.close();
});

interface Post {
  readonly id: number;
  readonly body: string;
  readonly tags: string;
}

/** Posts like Stack Overflow's; bodies do not compress, so that a column's bytes can be told from the others'. */
function posts(count: number, rowGroupSize: number, first = 0): Uint8Array {
  const rows = Array.from({ length: count }, (_, i) => first + i);
  const noise = (row: number): string =>
    Array.from({ length: 40 }, (_, i) => Math.sin(row * 41 + i).toString(36)).join("");
  const columnData = [
    { name: "id", data: rows, type: "INT32" as const, nullable: false },
    { name: "body", data: rows.map(noise), type: "STRING" as const },
    {
      name: "tags",
      data: rows.map((row) => (row % 10 === 9 ? null : `<javascript><tag-${row % 7}>`)),
      type: "STRING" as const,
    },
  ];
  return new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize }));
}
const file = (name: string, bytes: Uint8Array): string => {
  mkdirSync(join(folder, name, ".."), { recursive: true });
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
};

describe("readParquet", () => {
  it("gives a chunk per row group, rows, and columns in the order asked for", async () => {
    const table = readParquet<Post>(posts(25, 10));
    const ids: number[][] = [];
    for await (const chunk of table) ids.push(chunk.id);
    expect(ids.map((some) => some.length)).toEqual([10, 10, 5]);
    expect(ids.flat()).toEqual(Array.from({ length: 25 }, (_, i) => i));
    const rows = await readParquet<Post>(posts(25, 10), { columns: ["tags", "id"] }).readAllRows();
    expect(Object.keys(rows[0] ?? {})).toEqual(["tags", "id"]);
    expect(rows[9]).toEqual({ tags: null, id: 9 });
    expect(rows[24]).toEqual({ tags: "<javascript><tag-3>", id: 24 });
    const { id } = await readParquet<Post>(posts(25, 10), { limit: 12 }).readAll();
    expect(id).toEqual(Array.from({ length: 12 }, (_, i) => i));
    expect(await readParquet(posts(25, 10), { limit: 0, columns: ["id"] }).readAll()).toEqual({ id: [] });
    expect(await readParquet(posts(0, 10)).readAll()).toEqual({ id: [], body: [], tags: [] });
  });

  it("takes bytes in memory that tasks share", async () => {
    const bytes = posts(25, 10);
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    shared.set(bytes);
    expect(await readParquet(shared).readAll()).toEqual(await readParquet(bytes).readAll());
  });

  it("gives values of every type", async () => {
    const when = new Date("2024-05-06T07:08:09.012Z");
    const columnData = [
      { name: "flag", data: [true, null, false], type: "BOOLEAN" as const },
      { name: "small", data: [1, -2, null], type: "INT32" as const },
      { name: "big", data: [1n, null, -(2n ** 40n)], type: "INT64" as const },
      { name: "real", data: [0.5, Number.NaN, null], type: "DOUBLE" as const },
      { name: "text", data: ["ä", "", null], type: "STRING" as const },
      { name: "when", data: [when, null, new Date(0)], type: "TIMESTAMP" as const },
      { name: "json", data: [{ a: [1, null] }, null, [2]], type: "JSON" as const },
    ];
    const bytes = new Uint8Array(parquetWriteBuffer({ columnData }));
    const expected = Object.fromEntries(columnData.map(({ name, data }) => [name, data as unknown[]]));
    expect(await readParquet(bytes, { int64: "bigint" }).readAll()).toEqual(expected);
    expect(await readParquet(bytes).readAll()).toEqual({ ...expected, big: [1, null, -(2 ** 40)] });
  });

  it("refuses to round whole numbers", async () => {
    const big = [{ name: "big", data: [1n, 2n ** 53n + 1n], type: "INT64" as const }];
    const bytes = new Uint8Array(parquetWriteBuffer({ columnData: big }));
    await expect(readParquet(bytes).readAll()).rejects.toMatchObject({
      code: "FLOCK_TABLE_TYPE",
      message: expect.stringMatching(/"big" has 9007199254740993.*int64: "bigint"/),
    });
    expect(await readParquet(bytes, { int64: "bigint" }).readAll()).toEqual({ big: big[0]?.data });
  });

  it("unpacks gzip and brotli by Node's own means", async () => {
    const columnData = [
      { name: "text", data: Array.from({ length: 500 }, (_, i) => `row ${i % 50}`), type: "STRING" as const },
    ];
    for (const [codec, compress] of [
      ["GZIP", gzipSync],
      ["BROTLI", brotliCompressSync],
    ] as const) {
      const bytes = new Uint8Array(
        parquetWriteBuffer({
          columnData,
          codec,
          compressors: { [codec]: (input: Uint8Array) => new Uint8Array(compress(input)) },
        }),
      );
      expect(await readParquet(bytes).readAll(), codec).toEqual({ text: columnData[0]?.data });
    }
  });

  it("reads many files: an array, a folder, a pattern", async () => {
    file("many/part-0.parquet", posts(10, 5));
    file("many/part-1.parquet", posts(10, 5, 10));
    file("many/year=2024/part-2.parquet", posts(10, 5, 20));
    file("many/_SUCCESS", new Uint8Array());
    const ids = async (source: string | string[], options?: ParquetOptions): Promise<number[]> =>
      (await readParquet<Post>(source, options).readAll()).id;
    const upTo = (end: number): number[] => Array.from({ length: end }, (_, i) => i);
    expect(await ids(join(folder, "many"))).toEqual(upTo(30));
    expect(await ids(join(folder, "many/*.parquet"))).toEqual(upTo(20));
    expect(await ids(join(folder, "many/**/*.parquet"), { limit: 23 })).toEqual(upTo(23));
    expect(await ids(["part-1", "part-0"].map((name) => join(folder, "many", `${name}.parquet`)))).toEqual([
      ...upTo(20).slice(10),
      ...upTo(10),
    ]);
  });
});

describe("what is fetched", () => {
  it("is the end of the file and the columns asked for, no more", async () => {
    const bytes = posts(4000, 1000);
    server.files.set("/posts.parquet", bytes);
    server.reset();
    const { id } = await readParquet<Post>(`${server.address}/posts.parquet`, { columns: ["id"] }).readAll();
    expect(id).toEqual(Array.from({ length: 4000 }, (_, i) => i));
    // Size, end, and one range for each row group.
    expect(server.asked.length).toBe(2 + 4);
    expect(server.bytes).toBeLessThan(64 * 1024 + 4 * 5000);
    expect(bytes.length).toBeGreaterThan(1_000_000);
    const ranges = server.asked.slice(2).map(({ bytes: got }) => got);
    expect(Math.max(...ranges)).toBeLessThan(5000);
  });

  it("is one row group at a time, and none after the limit", async () => {
    server.files.set("/posts.parquet", posts(4000, 1000));
    server.reset();
    for await (const chunk of readParquet<Post>(`${server.address}/posts.parquet`)) {
      expect(chunk.id.length).toBe(1000);
      break;
    }
    const one = server.asked.length;
    const { id } = await readParquet<Post>(`${server.address}/posts.parquet`, {
      columns: ["id"],
      limit: 1500,
    }).readAll();
    expect(id.length).toBe(1500);
    expect(one).toBeLessThanOrEqual(5);
    // Size, end, one row group, and of the next an index and the pages.
    expect(server.asked.length - one).toBeLessThanOrEqual(5);
  });

  it("is tried again when a range breaks", async () => {
    const bytes = posts(2000, 1000);
    server.files.set("/posts.parquet", bytes);
    server.reset();
    server.cutAfter = () => 100_000;
    const { body } = await readParquet<Post>(`${server.address}/posts.parquet`, { columns: ["body"] }).readAll();
    expect(body).toEqual((await readParquet<Post>(bytes).readAll()).body);
  });

  it("is the end alone for parquetInfo", async () => {
    const bytes = posts(4000, 1000);
    server.files.set("/posts.parquet", bytes);
    server.reset();
    expect(await parquetInfo([`${server.address}/posts.parquet`, posts(10, 5)])).toEqual({
      rows: 4010,
      rowGroups: 6,
      bytes: expect.any(Number),
      columns: [
        { name: "id", type: "int32", nullable: false },
        { name: "body", type: "string", nullable: true },
        { name: "tags", type: "string", nullable: true },
      ],
      files: [
        { name: `${server.address}/posts.parquet`, rows: 4000, rowGroups: 4, bytes: bytes.length },
        { name: expect.any(String), rows: 10, rowGroups: 2, bytes: expect.any(Number) },
      ],
    });
    expect(server.bytes).toBeLessThanOrEqual(64 * 1024 + 1);
  });
});

describe("what cannot be read", () => {
  it("has a code and names the file", async () => {
    const text = file("text.parquet", Buffer.from("this is no Parquet file at all"));
    await expect(readParquet(text).readAll()).rejects.toMatchObject({
      code: "FLOCK_TABLE_FORMAT",
      message: expect.stringContaining("text.parquet"),
    });
    await expect(readParquet(new Uint8Array(3)).readAll()).rejects.toMatchObject({ code: "FLOCK_TABLE_FORMAT" });
    await expect(readParquet(posts(10, 5).slice(0, -20)).readAll()).rejects.toMatchObject({
      code: "FLOCK_TABLE_FORMAT",
    });
    const damaged = posts(10, 5);
    damaged.fill(255, 4, 40);
    await expect(readParquet(damaged).readAll()).rejects.toMatchObject({ code: "FLOCK_TABLE_FORMAT" });
    await expect(readParquet(posts(10, 5), { columns: ["id", "score"] }).readAll()).rejects.toMatchObject({
      code: "FLOCK_TABLE_COLUMN",
      message: expect.stringMatching(/no column "score"; it has "id", "body", "tags"/),
    });
    await expect(readParquet(join(folder, "absent.parquet")).readAll()).rejects.toMatchObject({
      code: "FLOCK_STORAGE_NOT_FOUND",
    });
    await expect(readParquet(posts(1, 1), { int64: "float" } as object).readAll()).rejects.toMatchObject({
      code: "FLOCK_OPTION_INVALID",
    });
    const other = new Uint8Array(parquetWriteBuffer({ columnData: [{ name: "x", data: [1], type: "INT32" }] }));
    await expect(readParquet([posts(1, 1), other]).readAll()).rejects.toMatchObject({ code: "FLOCK_TABLE_COLUMN" });
  });
});

describe("files of other writers", () => {
  const read = (name: string, options?: ParquetOptions): Promise<unknown> =>
    readParquet(fileURLToPath(new URL(`../data/parquet/${name}.parquet`, import.meta.url)), options).readAll();

  it("have lists, with null among them (Arrow)", async () => {
    expect(await read("list_columns", { int64: "bigint" })).toEqual({
      int64_list: [[1n, 2n, 3n], [null, 1n], [4n]],
      utf8_list: [["abc", "efg", "hij"], null, ["efg", null, "hij", "xyz"]],
    });
    expect(await read("list_columns", { columns: ["int64_list"] })).toEqual({
      int64_list: [[1, 2, 3], [null, 1], [4]],
    });
  });

  it.each(["lz4_raw_compressed", "hadoop_lz4_compressed"])("are packed by LZ4 in two ways: %s", async (name) => {
    const expected = {
      c0: [1593604800, 1593604800, 1593604801, 1593604801],
      c1: ["abc", "def", "abc", "def"],
      v11: [42, 7.7, 42.125, 7.7],
    };
    expect(await read(name)).toEqual(expected);
    const { c1 } = (await read(name, { binaryAsText: false })) as { c1: Uint8Array[] };
    expect(c1.map((bytes) => [...bytes])).toEqual(["abc", "def", "abc", "def"].map((text) => [...Buffer.from(text)]));
  });

  it("are packed by zstd, gzip in several members, snappy", async () => {
    const { f32, f64 } = (await read("byte_stream_split.zstd")) as { f32: number[]; f64: number[] };
    expect([f32.length, f64.length, f32[0], f64[0]]).toEqual([300, 300, Math.fround(1.7640524), -1.3065268517353166]);
    const { long_col } = (await read("concatenated_gzip_members")) as { long_col: number[] };
    expect(long_col).toEqual(Array.from({ length: 513 }, (_, i) => i + 1));
    expect(await read("datapage_v2.snappy", { columns: ["a", "d", "e"] })).toEqual({
      a: ["abc", "abc", "abc", null, "abc"],
      d: [true, true, true, false, true],
      e: [[1, 2, 3], null, null, [1, 2, 3], [1, 2]],
    });
  });

  it("have times as Spark writes them", async () => {
    const { a } = (await read("int96_from_spark", { limit: 2 })) as { a: Date[] };
    expect(a).toEqual([new Date("2024-01-01T20:34:56.123Z"), new Date("2024-01-01T01:00:00Z")]);
  });
});
