// The text of lines in code that was sent with tasks.
import { encodeFunctionDescription, functionDescription } from "@taskflock/protocol";
import { describe, expect, it } from "vitest";
import { SentCode, textAt } from "../server/sent-code.ts";

const code = "return function fit(n) {\n  let i = 0;\n  while (i < n) i++;\n  return i;\n};";
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

describe("lines of sent code", () => {
  it("are told by place, and asked for once", async () => {
    const { asked, code } = observer();
    expect(await code.line(`taskflock:fit-${prefix}`, 3, 10)).toBe("while (i < n) i++;");
    expect(await code.line(file, 1, 0)).toBe("return function fit(n) {");
    expect(await code.line(file, 99, 0)).toBe("");
    expect(await code.line("/app/fit.js", 1, 0)).toBe("");
    expect(asked).toEqual([prefix]);
    expect(await code.line("taskflock:gone-00000000", 1, 1)).toBe("");
  });

  it("stand in a profile, however deep", async () => {
    const { asked, code } = observer();
    const call = { name: "fit", file, line: 1, selfMs: 1, totalMs: 2, lines: [{ line: 3, share: 1 }], calls: [] };
    const own = { ...call, file: "/app/fit.js", calls: [call] };
    const [annotated] = await code.annotated([{ ...call, calls: [own] }]);
    expect(annotated!.lines).toEqual([{ line: 3, share: 1, text: "while (i < n) i++;" }]);
    expect(annotated!.calls[0]!.lines).toEqual([{ line: 3, share: 1 }]);
    expect(annotated!.calls[0]!.calls[0]!.lines[0]!.text).toBe("while (i < n) i++;");
    expect(asked).toEqual([prefix]);
  });

  it("that a program made are cut around the column, or left out", () => {
    const long = `${"a();".repeat(100)}throw new Error("here");${"b();".repeat(100)}`;
    const column = long.indexOf("throw") + 1;
    expect(textAt(long, 0)).toBe("");
    expect(textAt(long, column)).toContain('throw new Error("here");');
    expect(textAt(long, column).length).toBeLessThanOrEqual(202);
    expect(textAt("  x();  ", 1)).toBe("x();");
    expect(textAt(undefined, 1)).toBe("");
  });
});
