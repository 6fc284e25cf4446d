import { describe, expect, it } from "vitest";
import { TagIndex, tagIndex, trimToMultiple } from "../../src/index.ts";

const posts = [["python", "list"], ["c#"], ["python", "2020", "python"], []];

describe("tagIndex", () => {
  it("gives columns in alphabetical order, and back", () => {
    const tags = tagIndex(posts);
    expect(tags.indexTag).toEqual(["2020", "c#", "list", "python"]);
    expect([...tags.tagIndex]).toEqual([
      ["2020", 0],
      ["c#", 1],
      ["list", 2],
      ["python", 3],
    ]);
  });

  it("makes rows of 0 and 1, and tags of rows, in alphabetical order", () => {
    const tags = tagIndex(posts);
    const y = tags.encode(posts);
    expect(y).toEqual({ data: Uint8Array.of(0, 0, 1, 1, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0), shape: [4, 4] });
    expect(tags.decode(y)).toEqual([["list", "python"], ["c#"], ["2020", "python"], []]);
    const scores = { data: Float32Array.of(0.3, 0.5, 0.51, 0.29), shape: [1, 4] };
    expect(tags.decode(scores)).toEqual([["list"]]);
    expect(tags.decode(scores, 0.29)).toEqual([["2020", "c#", "list"]]);
  });

  it("leaves out rare tags", () => {
    const tags = tagIndex(posts, { minCount: 2 });
    expect(tags.indexTag).toEqual(["python"]);
    expect(tags.encode(posts).data).toEqual(Uint8Array.of(1, 0, 1, 0));
    expect(() => tagIndex(posts, { minCount: 3 })).toThrowError(
      "No tag occurs in 3 rows or more: there are 4 tags in 4 rows.",
    );
  });

  it("goes through JSON, whole or either half", () => {
    const tags = new TagIndex(["zebra", "7", "__proto__"]);
    const json = JSON.stringify(tags);
    expect(JSON.parse(json).indexTag).toEqual({ 0: "zebra", 1: "7", 2: "__proto__" });
    expect(TagIndex.fromJSON(json)).toEqual(tags);
    expect(TagIndex.fromJSON(tags.toJSON().tagIndex)).toEqual(tags);
    expect(TagIndex.fromJSON(JSON.stringify(tags.toJSON().indexTag))).toEqual(tags);
  });

  it.each([
    ["[]", "This is an array. Give columns by tag, tags by column, or what TagIndex's toJSON made."],
    ["{", "This is a text that is no JSON."],
    ['{"a":"b"}', 'This is an object with "a": "b".'],
    ['{"a":0,"b":2}', "No tag has column 1. Columns go from 0 to 1, each once."],
    ['{"0":"a","1":"a"}', 'The tag "a" is there twice.'],
    ['{"tagIndex":null}', 'This is an object with "tagIndex": null.'],
  ])("refuses %s as JSON", (json, message) => {
    expect(() => TagIndex.fromJSON(json)).toThrowError(
      expect.objectContaining({ code: "FLOCK_ML_INPUT", message: expect.stringContaining(message) }),
    );
  });

  it("refuses what is no list of tags, and scores of other columns", () => {
    const texts = ["python"] as unknown as string[][];
    expect(() => tagIndex(texts)).toThrowError("Row 0 is a string, not a list of tags.");
    expect(() => tagIndex(posts).encode(texts)).toThrowError("Row 0 is a string, not a list of tags.");
    expect(() => tagIndex(posts).decode({ data: Float32Array.of(1), shape: [1, 1] })).toThrowError(
      "The scores have 1 columns, but there are 4 tags.",
    );
    const none = undefined as unknown as string[][];
    const rubbish: (() => unknown)[] = [
      () => tagIndex(none),
      () => tagIndex(posts, { minCount: Number.NaN }),
      () => tagIndex(posts).encode(none),
      () => tagIndex(posts).decode([[1]] as never),
      () => tagIndex(posts).decode({ data: new Float32Array(4), shape: [1, 4] }, Number.NaN),
      () => new TagIndex("abc" as never),
      () => new TagIndex([1] as never),
    ];
    for (const call of rubbish) expect(call).toThrowError(expect.objectContaining({ code: "FLOCK_ML_INPUT" }));
  });
});

describe("trimToMultiple", () => {
  it("keeps as many rows as fill multiples of batch size times length", () => {
    expect(trimToMultiple(1_554_788, 64 * 200)).toBe(1_548_800);
    expect(trimToMultiple(["a", "b", "c", "d", "e"], 2)).toEqual(["a", "b", "c", "d"]);
    const tensor = { data: Int32Array.of(1, 2, 3, 4, 5, 6), shape: [3, 2] };
    expect(trimToMultiple(tensor, 2)).toEqual({ data: Int32Array.of(1, 2, 3, 4), shape: [2, 2] });
  });

  it("refuses to keep nothing, and what is no multiple", () => {
    expect(() => trimToMultiple(500, 64 * 200)).toThrowError(
      "500 rows do not fill one multiple of 12800. Use smaller batches, or more rows.",
    );
    expect(() => trimToMultiple([1, 2], 0)).toThrowError("The multiple is 0. Give a whole number above 0.");
    for (const rows of [Number.POSITIVE_INFINITY, undefined as never, "abc" as never])
      expect(() => trimToMultiple(rows, 3)).toThrowError(expect.objectContaining({ code: "FLOCK_ML_INPUT" }));
  });
});
