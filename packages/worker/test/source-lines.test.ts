import { describe, expect, it } from "vitest";
import { evaluateNow, scriptName } from "../src/functions/evaluate.ts";
import { thrownLine } from "../src/functions/index.ts";

const HASH = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";

function compiled(name: string, code: string): () => unknown {
  const script = `taskflock:${scriptName(name, HASH)}`;
  return evaluateNow({ code, script, folder: process.cwd() }, { $imports: [], $assets: [] }) as () => unknown;
}
function thrownBy(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    // The test runner writes stacks itself, with the script's file in place of the name that the engine says.
    const { stack = "" } = error as Error;
    (error as Error).stack = stack.replace(/[^\s(]*[\\/]([\w-]+)\.taskflock-function\.js/g, "taskflock:$1");
    return error;
  }
}

describe("the line that threw", () => {
  it("is that of the innermost code that came over the wire", () => {
    const code = [
      "const parse = (row) => {",
      "  const value = Number(row);",
      "  if (Number.isNaN(value)) throw new RangeError('bad row');",
      "  return value;",
      "};",
      "return () => ['1', 'x'].map(parse);",
    ];
    expect(thrownLine(thrownBy(compiled("parse", code.join("\n"))))).toBe(
      "if (Number.isNaN(value)) throw new RangeError('bad row');",
    );
  });

  it("is what called Node's own code that threw", () => {
    const fn = compiled("read", "return () => {\n  return JSON.parse('{');\n};");
    expect(thrownLine(thrownBy(fn))).toBe("return JSON.parse('{');");
  });

  it("is, of code in one long line, what is around the place", () => {
    const fn = compiled("long", `return () => { ${"void 1; ".repeat(100)}null.f(); ${"void 2; ".repeat(100)} }`);
    const line = thrownLine(thrownBy(fn));
    expect(line).toContain("null.f();");
    expect(line.length).toBeLessThanOrEqual(202);
    expect(line).toMatch(/^….*…$/);
  });

  it("is not known of other errors, of what is no error, and of errors that cannot be read", () => {
    expect(thrownLine(new Error("here"))).toBe("");
    expect(thrownLine("text")).toBe("");
    expect(thrownLine(null)).toBe("");
    const hostile = Object.defineProperty({}, "stack", {
      get: () => {
        throw new Error("no");
      },
    });
    expect(thrownLine(hostile)).toBe("");
  });
});
