import fc from "fast-check";
import { expect, test } from "vitest";
import { captureOutput, tailOf } from "../src/commands/output.ts";

const texts = fc.string({ unit: "grapheme-composite", maxLength: 200 });

test("whatever the chunks: all is passed on as text, the end is kept, and the rest is counted", () => {
  fc.assert(
    fc.property(texts, fc.array(fc.nat(20), { maxLength: 50 }), fc.nat(300), (whole, sizes, limit) => {
      const bytes = Buffer.from(whole);
      let printed = "";
      const output = captureOutput(limit, (text) => {
        printed += text;
      });
      let at = 0;
      for (const size of [...sizes, bytes.length]) {
        output.add(bytes.subarray(at, at + size));
        at = Math.min(bytes.length, at + size);
      }
      output.end();
      const kept = output.text();
      expect(printed).toBe(whole);
      expect(whole.endsWith(kept)).toBe(true);
      expect(Buffer.byteLength(kept) + output.droppedBytes()).toBe(bytes.length);
      // Nothing is dropped but for the limit, and for a character that the limit cuts.
      expect(Buffer.byteLength(kept)).toBeGreaterThan(Math.min(bytes.length, limit) - 4);
      expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(limit);
    }),
    { seed: 5 },
  );
});

test("a tail begins with a line where it can", () => {
  expect(tailOf("short", 5)).toBe("short");
  expect(tailOf("one\ntwo\nthree", 10)).toBe("…three");
  expect(tailOf("abcdefghij", 4)).toBe("…hij");
});
