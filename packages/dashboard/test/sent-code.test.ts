// The text of lines in code that was sent with tasks.
import { encodeFunctionDescription, functionDescription } from "@taskflock/protocol";
import { describe, expect, it } from "vitest";
import { SentCode } from "../server/sent-code.ts";

const code = `return function fit(n) {\n  let i = 0;\n  while (i < n) i++;\n  return i;\n};\n${"a();".repeat(100)}`;
const description = functionDescription({ name: "fit", code, imports: [], assets: [], closure: false });
const prefix = description.hash.slice(0, 8);
const file = `/somewhere/fit-${prefix}.taskflock-function.js`;

/** A scheduler that knows one function, and counts how often it is asked. */
function observer() {
  const asked: string[] = [];
  const ask = ((question: { hash: string }) => {
    asked.push(question.hash);
    const data = question.hash === prefix ? encodeFunctionDescription(description) : new Uint8Array(0);
    return Promise.resolve({ value: null, data });
  }) as never;
  return { asked, code: new SentCode({ ask }) };
}

const call = { name: "fit", file, line: 1, selfMs: 1, totalMs: 2, lines: [{ line: 3, share: 1 }], calls: [] };

describe("lines of sent code", () => {
  it("stand in a profile, however deep; each function is asked for once", async () => {
    const { asked, code } = observer();
    const own = { ...call, file: "/app/fit.js", calls: [call] };
    const [annotated] = await code.annotated([{ ...call, calls: [own] }]);
    expect(annotated!.lines).toEqual([{ line: 3, share: 1, text: "while (i < n) i++;" }]);
    expect(annotated!.calls[0]!.lines).toEqual([{ line: 3, share: 1 }]);
    expect(annotated!.calls[0]!.calls[0]!.lines[0]!.text).toBe("while (i < n) i++;");
    expect(await code.annotated([call])).toHaveLength(1);
    expect(asked).toEqual([prefix]);
  });

  it("are left out where there is nothing to read", async () => {
    const { code } = observer();
    const textsOf = async (more: Partial<typeof call>): Promise<unknown> =>
      (await code.annotated([{ ...call, ...more }]))[0]!.lines.map((line) => "text" in line);
    const gone = "/somewhere/fit-00000000.taskflock-function.js";
    expect(await textsOf({ file: gone })).toEqual([false]);
    expect(await textsOf({ lines: [{ line: 99, share: 1 }] })).toEqual([false]);
    expect(await textsOf({ lines: [{ line: 6, share: 1 }] })).toEqual([false]);
  });
});
