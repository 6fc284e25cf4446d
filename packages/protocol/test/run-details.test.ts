// What a client may tell of its runs; anything else closes its connection.

import { describe, expect, it } from "vitest";
import {
  DETAIL_ENTRIES,
  DETAIL_UNITS,
  type DetailEntry,
  decodeFrame,
  detailTexts,
  detailUnits,
  encodeFrame,
  isDetailEntry,
  PayloadStore,
} from "../src/index.ts";

const epoch: DetailEntry = {
  ...{ e: "epoch", trial: -1, epoch: 1, step: 10, seconds: 0.5, learningRate: null },
  ...{ values: { loss: 0.3, valLoss: null }, isBest: true },
};
const candidate: DetailEntry = {
  ...{ e: "candidate", candidate: 3, values: ["rbf", 0.1, true, null], round: 0, resources: null },
};
const remark = (text: string): DetailEntry => ({ e: "remark", trial: -1, text });

/** What the receiver makes of them, or why it closes the connection. */
function received(entries: readonly unknown[]): readonly DetailEntry[] | string {
  const store = new PayloadStore();
  const message = { t: "runDetails", run: 1, entries } as never;
  try {
    const [decoded] = decodeFrame(
      "client",
      encodeFrame("client", { seq: 1, ack: 0 }, [message], store),
      store,
    ).messages;
    return (decoded as unknown as { entries: readonly DetailEntry[] }).entries;
  } catch (error) {
    return (error as Error).message;
  }
}

describe("run details", () => {
  it("arrive as they were told", () => {
    expect(received([epoch, candidate, remark("done")])).toEqual([epoch, candidate, remark("done")]);
    expect(received([])).toEqual([]);
  });

  const long = "x".repeat(detailTexts.value + 1);
  const refused: [string, unknown, RegExp][] = [
    ["a kind that is not known", { e: "what" }, /entries\[0\]\.e: "what" is unknown/],
    ["a field too many", { ...epoch, more: 1 }, /more.*unknown/],
    ["a field too few", { e: "remark", trial: 1 }, /text.*absent/],
    ["a value that is too long", { ...candidate, values: [long] }, /201 characters of 200/],
    ["a value that is an object", { ...candidate, values: [{}] }, /a record is not a text/],
    ["a number that is none", { ...epoch, seconds: Number.POSITIVE_INFINITY }, /not a finite number/],
    ["a figure that is a text", { ...epoch, values: { loss: "low" } }, /values\.loss.*not a finite number/],
    ["a name that is too long", { ...epoch, values: { [`${"n".repeat(257)}`]: 1 } }, /1 … 256 characters/],
    [
      "too many figures",
      { ...epoch, values: Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`m${i}`, i])) },
      /257 entries of 256/,
    ],
    ["a remark that is too long", remark("x".repeat(detailTexts.line + 1)), /2049 characters of 2048/],
    ["a trial that cannot be", { ...epoch, trial: -2 }, /-2 is not an integer/],
  ];

  it.each(refused)("%s closes the connection, and the client does not send it", (_what, entry, why) => {
    expect(received([entry])).toMatch(why);
    expect(isDetailEntry(entry)).toBe(false);
  });

  it("of one message are bounded in number and in size", () => {
    expect(received(new Array(DETAIL_ENTRIES).fill(remark("")))).toHaveLength(DETAIL_ENTRIES);
    expect(received(new Array(DETAIL_ENTRIES + 1).fill(remark("")))).toMatch(/513 elements of 512/);
    const large = remark("x".repeat(2000));
    const fits = Math.floor((DETAIL_UNITS - 16) / detailUnits(large));
    expect(received(new Array(fits).fill(large))).toHaveLength(fits);
    expect(received(new Array(fits + 1).fill(large))).toMatch(/runDetails\.entries: it takes \d+ of 65536/);
    expect(isDetailEntry(large)).toBe(true);
  });
});
