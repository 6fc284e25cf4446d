// Functions that are an export of a package, and nothing else: `return $imports[0]["name"];`.
import { FlockError, type FunctionDescription } from "@taskflock/protocol/code";

const WHOLE = /^return \$imports\[0\]((?:\["(?:[^"\\]|\\.)*"\])+);$/;
const STEP = /\[("(?:[^"\\]|\\.)*")\]/g;

/** Says that the export is not here; undefined when the code does more than to name one. */
export function missingExport({ name, code, imports }: FunctionDescription, cause?: unknown): FlockError | undefined {
  const steps = WHOLE.exec(code)?.[1];
  const [from] = imports;
  if (steps === undefined || from === undefined) return undefined;
  const path = [...steps.matchAll(STEP)].map(([, step]) => JSON.parse(step ?? "") as string);
  const version = from.package === null ? "" : ` ${from.package.version}`;
  return new FlockError(
    "FLOCK_FUNCTION_NOT_FOUND",
    `${name} is "${path.join(".")}" of "${from.specifier}"${version}, which has no such function on this worker, although ` +
      "the client has; make the worker's version of Node and its environment those of the client.",
    cause === undefined ? {} : { cause },
  );
}
