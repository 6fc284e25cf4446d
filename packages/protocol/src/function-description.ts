// How a function is named to a worker: by its code, or as an export of an installed package. Travels as bytes that only
// the client and the slot that runs the function read.
import { createHash } from "node:crypto";
import { FlockError } from "./words/errors.ts";

/** A function that travels whole. */
export interface CodeFunction {
  readonly kind: "code";
  /** Of the code alone: two functions of the same code are one on a worker. */
  readonly hash: string;
  /** For people; not part of the hash. */
  readonly name: string;
  /**
   * A function body that returns the function. It may use `require` and `import()` of packages and builtins, which the
   * worker resolves from its own folder, and nothing else that is not a global of Node.
   */
  readonly code: string;
}

/** A function that both ends have installed. */
export interface ExportFunction {
  readonly kind: "export";
  readonly hash: string;
  readonly name: string;
  /** What to import: `pkg` or `pkg/sub`. */
  readonly specifier: string;
  /** `name`, `default`, or `default.name` for a member of a CommonJS module's exports. */
  readonly exportName: string;
  readonly packageName: string;
  readonly version: string;
  /** Of the package's code (`InstalledPackage.hash`): a rebuilt package of the same version is another. */
  readonly packageHash: string;
}

export type FunctionDescription = CodeFunction | ExportFunction;

const HASH_CHARACTERS = 32;
const MAX_NAME = 100;

/** The first 128 bits of the text's SHA-256, in hexadecimal. */
export function contentHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, HASH_CHARACTERS);
}

export function codeFunction(name: string, code: string): CodeFunction {
  return { kind: "code", hash: contentHash(code), name: shortName(name), code };
}

export function exportFunction(name: string, from: Omit<ExportFunction, "kind" | "hash" | "name">): ExportFunction {
  return { kind: "export", hash: exportHash(from), name: shortName(name), ...from };
}

export function encodeFunctionDescription(description: FunctionDescription): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(description));
}

/** Throws `FLOCK_PROTOCOL` for bytes that describe no function, or whose hash is not that of what they describe. */
export function decodeFunctionDescription(bytes: Uint8Array): FunctionDescription {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(bytes).toString("utf8")); // a copy: TextDecoder cannot read shared memory
  } catch {
    throw malformed("it is no JSON");
  }
  if (typeof parsed !== "object" || parsed === null) throw malformed("it is no object");
  const fields = new Map<string, unknown>(Object.entries(parsed));
  const text = (field: string): string => {
    const value = fields.get(field);
    if (typeof value !== "string") throw malformed(`its ${field} is no text`);
    return value;
  };
  const kind = text("kind");
  if (kind !== "code" && kind !== "export") throw malformed(`its kind is ${JSON.stringify(kind)}`);
  const description = kind === "code" ? codeFunction(text("name"), text("code")) : readExport(text);
  if (description.hash !== text("hash")) throw malformed("its hash is of something else");
  return description;
}

function readExport(text: (field: string) => string): ExportFunction {
  return exportFunction(text("name"), {
    specifier: text("specifier"),
    exportName: text("exportName"),
    packageName: text("packageName"),
    version: text("version"),
    packageHash: text("packageHash"),
  });
}

function exportHash(from: Omit<ExportFunction, "kind" | "hash" | "name">): string {
  return contentHash(
    ["export", from.specifier, from.exportName, from.packageName, from.version, from.packageHash].join("\n"),
  );
}

function shortName(name: string): string {
  return name === "" ? "anonymous" : name.slice(0, MAX_NAME);
}

function malformed(why: string): FlockError {
  return new FlockError("FLOCK_PROTOCOL", `A function's description is malformed: ${why}.`);
}
