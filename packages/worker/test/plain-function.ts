import { type FunctionDescription, functionDescription } from "@taskflock/protocol";

/** A function whose text is all of it; `code` is a function body that returns it. */
export function plainFunction(code: string, name = "f"): FunctionDescription {
  return functionDescription({ name, code, imports: [], assets: [], closure: false });
}
