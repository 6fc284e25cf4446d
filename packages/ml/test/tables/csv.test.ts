// CSV as people write it: from files, bytes, folders and web servers.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { readCsv } from "../../src/tables/read.ts";
import type { CsvOptions } from "../../src/tables/types.ts";
import { RangeServer } from "../storage/range-server.ts";

const folder = mkdtempSync(join(tmpdir(), "taskflock-csv-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, text: string | Uint8Array): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const all = (text: string, options?: CsvOptions): Promise<object> => readCsv(Buffer.from(text), options).readAll();

describe("readCsv", () => {
  it("reads quotes, delimiters and line ends in cells, CRLF, empty lines and a byte order mark", async () => {
    const text = '\ufefftitle,tags\r\n"a, ""b""","<x><y>"\r\n\r\n"two\nlines",\r\nä,last';
    expect(await all(text)).toEqual({ title: ['a, "b"', "two\nlines", "ä"], tags: ["<x><y>", "", "last"] });
  });

  it("infers types from the first chunk, and takes declared ones", async () => {
    const text = "id,price,ok,code,empty\n1,2.5,true,007,\n-2,,False,1,\n3,1e3,true,2,\n";
    expect(await all(text)).toEqual({
      id: [1, -2, 3],
      price: [2.5, null, 1000],
      ok: [true, false, true],
      code: ["007", "1", "2"],
      empty: ["", "", ""],
    });
    expect(await all(text, { types: "string", columns: ["price"] })).toEqual({ price: ["2.5", "", "1e3"] });
    const declared = await all(
      "when,big,n,b\n2024-01-02,9007199254740993,007,1\n2024-01-02 03:04:05.678901,-5,NaN,0\n,,-inf,\n",
      {
        types: { when: "date", big: "bigint", n: "number", b: "boolean" },
      },
    );
    expect(declared).toEqual({
      when: [new Date("2024-01-02T00:00:00Z"), new Date("2024-01-02T03:04:05.678Z"), null],
      big: [9007199254740993n, -5n, null],
      n: [7, Number.NaN, Number.NEGATIVE_INFINITY],
      b: [true, false, null],
    });
    // Numbers that would be rounded stay text.
    expect(await all("n\n9007199254740993\n")).toEqual({ n: ["9007199254740993"] });
    expect(await all("n,s\n1,x\nNA,NA\n", { nullValues: ["NA"] })).toEqual({ n: [1, null], s: ["x", null] });
  });

  it("takes names, delimiters, quotes, comments and encodings", async () => {
    expect(await all("1;2\n3;4\n", { names: ["a", "b"], delimiter: ";" })).toEqual({ a: [1, 3], b: [2, 4] });
    expect(await all("x,y\n1,2\n", { names: ["a", "b"], header: true })).toEqual({ a: [1], b: [2] });
    expect(await all("1,2\n", { header: false })).toEqual({ column1: [1], column2: [2] });
    expect(await all("# note\na\n'x,y'\n", { quote: "'", comment: "#" })).toEqual({ a: ["x,y"] });
    expect(await all('a\n5" disk\n', { relaxQuotes: true })).toEqual({ a: ['5" disk'] });
    expect(await all('a\n"x\n', { quote: false })).toEqual({ a: ['"x'] });
    expect(await readCsv(Buffer.from("a\nä\n", "latin1"), { encoding: "latin1" }).readAll()).toEqual({ a: ["ä"] });
    expect(await readCsv(Buffer.from("a,b\nä,2\n", "utf16le"), { encoding: "utf16le" }).readAll()).toEqual({
      a: ["ä"],
      b: [2],
    });
    expect(await readCsv(file("t.tsv", "a\tb\n1\t2\n")).readAll()).toEqual({ a: [1], b: [2] });
  });

  it("gives chunks, rows, columns in the order asked for, and no more than the limit", async () => {
    const text = `a,b\n${Array.from({ length: 10 }, (_, i) => `${i},x${i}`).join("\n")}\n`;
    const table = readCsv<{ a: number; b: string }>(Buffer.from(text), { chunkRows: 4 });
    const sizes: number[] = [];
    for await (const chunk of table) sizes.push(chunk.a.length);
    expect(sizes).toEqual([4, 4, 2]);
    expect((await table.readAllRows())[9]).toEqual({ a: 9, b: "x9" });
    for await (const row of table.rows()) {
      expect(row).toEqual({ a: 0, b: "x0" });
      break;
    }
    const some = await readCsv(Buffer.from(text), { columns: ["b", "a"], limit: 5, chunkRows: 4 }).readAll();
    expect(Object.keys(some)).toEqual(["b", "a"]);
    expect(some).toEqual({ a: [0, 1, 2, 3, 4], b: ["x0", "x1", "x2", "x3", "x4"] });
    expect(await all("a,b\n")).toEqual({ a: [], b: [] });
    expect(await all(text, { limit: 0 })).toEqual({ a: [], b: [] });
  });

  it("reads many files: an array, a folder, a pattern, gzip among them", async () => {
    const parts = join(folder, "parts");
    mkdirSync(join(parts, "more"), { recursive: true });
    file("parts/1.csv", "a,b\n1,x\n");
    file("parts/2.csv.gz", gzipSync("b,a\ny,2\n"));
    file("parts/more/3.csv", "a,b\n3,z\n");
    file("parts/_note.csv", "no");
    file("parts/readme.md", "no");
    const three = { a: [1, 2, 3], b: ["x", "y", "z"] };
    expect(await readCsv(parts).readAll()).toEqual(three);
    expect(await readCsv(`${pathToFileURL(parts).href}/`).readAll()).toEqual(three);
    expect(
      await readCsv(join(parts, "[0-9]*.csv"))
        .readAll()
        .catch((error) => error.code),
    ).toBe("FLOCK_STORAGE_NOT_FOUND");
    expect(await readCsv(join(parts, "?.csv")).readAll()).toEqual({ a: [1], b: ["x"] });
    expect(await readCsv(join(parts, "**/?.csv*")).readAll()).toEqual(three);
    expect(await readCsv([join(parts, "2.csv.gz"), Buffer.from("a,b\n9,w\n")]).readAll()).toEqual({
      a: [2, 9],
      b: ["y", "w"],
    });
    expect(await readCsv(parts, { limit: 1 }).readAll()).toEqual({ a: [1], b: ["x"] });
    expect(await readCsv(gzipSync("a\n1\n")).readAll()).toEqual({ a: [1] });
  });

  it("streams from a web server, over breaks, unpacking", async () => {
    const server = await RangeServer.start();
    try {
      const rows = Array.from({ length: 50_000 }, (_, i) => `${i},"row ${i}"`);
      const text = `id,title\n${rows.join("\n")}\n`;
      server.files.set("/posts.csv", Buffer.from(text));
      server.files.set("/posts.csv.gz", gzipSync(text));
      let answers = 0;
      server.cutAfter = () => (answers++ % 2 === 0 ? 100_000 : undefined);
      for (const name of ["posts.csv", "posts.csv.gz"]) {
        const { id } = await readCsv<{ id: number }>(`${server.address}/${name}?token=secret`).readAll();
        expect(id.length).toBe(50_000);
        expect(id.every((value, index) => value === index)).toBe(true);
      }
      expect(answers).toBeGreaterThanOrEqual(4);
      // A few rows take no more of a large file than has been sent by then.
      server.reset();
      await readCsv(`${server.address}/posts.csv`, { limit: 5 }).readAll();
      expect(server.asked.length).toBe(1);
    } finally {
      await server.close();
    }
  });
});

describe("bad rows", () => {
  const bad = file("bad.csv", 'id,text\n1,"two\nlines"\n\n2\n3,x,y\nz,ok\n4,ok\n');

  it("are an error with file and line", async () => {
    const error = {
      code: "FLOCK_TABLE_FORMAT",
      message: expect.stringMatching(/bad\.csv, line 5: the row has 1 cells and not 2/),
    };
    await expect(readCsv(bad).readAll()).rejects.toMatchObject(error);
    const [header, ...rest] = ["id,text", '1,"a\nb"', "x,c"];
    await expect(
      readCsv(Buffer.from([header, ...rest].join("\n")), { types: { id: "number" } }).readAll(),
    ).rejects.toMatchObject({
      code: "FLOCK_TABLE_TYPE",
      message: expect.stringContaining('line 4: "x" in column "id" is no number'),
    });
  });

  it("are left out and counted", async () => {
    const table = readCsv(bad, { badRows: "skip", types: { id: "number" } });
    expect(await table.readAll()).toEqual({ id: [1, 4], text: ["two\nlines", "ok"] });
    expect(table.skippedRows).toBe(3);
    await table.readAll();
    expect(table.skippedRows).toBe(3);
    expect(
      await readCsv(bad, { badRows: "skip", types: { id: "number" }, limit: 2, chunkRows: 1 }).readAll(),
    ).toMatchObject({ id: [1, 4] });
  });

  it("are not what a wrong guess makes", async () => {
    const late = `id\n${"1\n".repeat(5)}x\n`;
    const table = readCsv(Buffer.from(late), { chunkRows: 3, badRows: "skip" });
    await expect(table.readAll()).rejects.toMatchObject({
      code: "FLOCK_TABLE_TYPE",
      message: expect.stringContaining('{ types: { "id": "string" } }'),
    });
  });

  it.each([
    ['a\nx"y"\n', "FLOCK_TABLE_FORMAT", "begins on line 2"],
    ['a,b\n1,2\n"x,3\n4,5\n', "FLOCK_TABLE_FORMAT", "begins on line 3"],
    ["a,a\n1,2\n", "FLOCK_TABLE_FORMAT", 'two columns named "a"'],
  ])("in %j are told", async (text, code, words) => {
    await expect(all(text)).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
  });

  it("end a row that never ends before memory is full", async () => {
    const text = `a\n"${"x".repeat(5000)}`;
    await expect(all(text, { maxRowBytes: 1000 })).rejects.toMatchObject({
      code: "FLOCK_TABLE_FORMAT",
      message: expect.stringContaining("maxRowBytes"),
    });
  });

  it("of other kinds have codes, too", async () => {
    await expect(readCsv(file("x.csv.gz", "a\n1\n")).readAll()).rejects.toMatchObject({ code: "FLOCK_TABLE_FORMAT" });
    await expect(
      readCsv(file("y.csv.gz", gzipSync("a\n".repeat(1e5)).subarray(0, 100))).readAll(),
    ).rejects.toMatchObject({
      code: "FLOCK_TABLE_FORMAT",
    });
    await expect(readCsv(join(folder, "absent.csv")).readAll()).rejects.toMatchObject({
      code: "FLOCK_STORAGE_NOT_FOUND",
    });
    await expect(readCsv(join(folder, "absent*.csv")).readAll()).rejects.toMatchObject({
      code: "FLOCK_STORAGE_NOT_FOUND",
    });
    await expect(all("a\n1\n", { columns: ["b"] })).rejects.toMatchObject({
      code: "FLOCK_TABLE_COLUMN",
      message: expect.stringContaining('it has "a"'),
    });
    await expect(all("a\n1\n", { types: { b: "number" } })).rejects.toMatchObject({ code: "FLOCK_TABLE_COLUMN" });
    for (const options of [
      { chunkRows: 0 },
      { column: ["a"] },
      { types: { a: "int" } },
      { badRows: "drop" },
      { columns: [] },
    ])
      await expect(all("a\n1\n", options as CsvOptions)).rejects.toMatchObject({ code: "FLOCK_OPTION_INVALID" });
    await expect(readCsv([]).readAll()).rejects.toMatchObject({ code: "FLOCK_ARGUMENT_INVALID" });
    for (const address of ["ftp://me:secret@host/x.csv", "file://host/x.csv"]) {
      const message = expect.not.stringContaining("secret");
      await expect(readCsv(address).readAll()).rejects.toMatchObject({ code: "FLOCK_STORAGE_ADDRESS", message });
    }
    await expect(readCsv(5 as never).readAll()).rejects.toMatchObject({ code: "FLOCK_ARGUMENT_INVALID" });
  });
});
