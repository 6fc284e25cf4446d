// How a function travels: as one text in which everything that it uses of the user's stands, and what that text imports and
// reads. As bytes that only the client and the slot that runs the function read.
import { createHash } from "node:crypto";
import { FlockError } from "./words/errors.ts";

export interface FunctionDescription {
  /** Of code, imports and assets alone: closures over different values are one function on a worker. */
  readonly hash: string;
  /** For people; not part of the hash. */
  readonly name: string;
  /** A function body, with the parameters `$imports`, `$assets` and `require`. */
  readonly code: string;
  /** What `$imports` holds, in this order. */
  readonly imports: readonly ImportDescription[];
  /** What `$assets` holds, in this order. */
  readonly assets: readonly AssetDescription[];
  /** False: the code returns the function. True: it returns what makes the function of captured values, `(bind) => function`. */
  readonly closure: boolean;
}

/** Which copy of a package it is. */
export interface PackageIdentity {
  readonly name: string;
  readonly version: string;
  /** Of its code (`packageHash`): a rebuilt package of the same version is another. */
  readonly hash: string;
}

export interface ImportDescription {
  /** `node:os`, `lodash`, `pkg/sub`, or `./model.ts` for a file of the user's. */
  readonly specifier: string;
  readonly kind: "import" | "require";
  /** `load`: before the code is evaluated. `call`: when the code asks for it. */
  readonly when: "load" | "call";
  /** Null for a builtin of Node's, and for a user's own file, which then has a bundle. */
  readonly package: PackageIdentity | null;
  /** Folder of the importing module on the client: a hint for workers on the same machine; not part of the hash. */
  readonly from: string;
  /**
   * CommonJS text to evaluate where the package is not installed the same. Not part of the hash when there is a package,
   * which says the same.
   */
  readonly bundle: string | null;
  /** Why a package could not be bundled (`has native code: build/x.node`); not part of the hash. */
  readonly reason: string | null;
}

/** A file that the code reads. */
export interface AssetDescription {
  /** Its file name. */
  readonly name: string;
  readonly hash: string;
  /** Base64. */
  readonly data: string;
}

const HASH_CHARACTERS = 32;
const MAX_NAME = 100;

/** The first 128 bits of the SHA-256, in hexadecimal. */
export function contentHash(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex").slice(0, HASH_CHARACTERS);
}

/** With the hash of what it describes. */
export function functionDescription(of: Omit<FunctionDescription, "hash">): FunctionDescription {
  const { name, code, imports, assets, closure } = of;
  return { hash: hashOf(of), name: shortName(name), code, imports, assets, closure };
}

export function assetDescription(name: string, data: Uint8Array): AssetDescription {
  return { name, hash: contentHash(data), data: Buffer.from(data).toString("base64") };
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
  const read = new DescriptionReader(parsed, "its");
  const description = functionDescription({
    name: read.text("name"),
    code: read.text("code"),
    imports: read.list("imports", "an import's").map(readImport),
    assets: read.list("assets", "an asset's").map(readAsset),
    closure: read.boolean("closure"),
  });
  if (description.hash !== read.text("hash")) throw malformed("its hash is of something else");
  return description;
}

function readImport(read: DescriptionReader): ImportDescription {
  const from = read.inner("package", "a package's");
  return {
    specifier: read.text("specifier"),
    kind: read.oneOf("kind", ["import", "require"]),
    when: read.oneOf("when", ["load", "call"]),
    package: from && { name: from.text("name"), version: from.text("version"), hash: from.text("hash") },
    from: read.text("from"),
    bundle: read.textOrNull("bundle"),
    reason: read.textOrNull("reason"),
  };
}

function readAsset(read: DescriptionReader): AssetDescription {
  const name = read.text("name");
  const asset = assetDescription(name, Buffer.from(read.text("data"), "base64"));
  if (asset.hash !== read.text("hash"))
    throw malformed(`the hash of its asset ${JSON.stringify(name)} is of something else`);
  return asset;
}

/** Reads fields of an object that nobody vouches for. */
class DescriptionReader {
  readonly #fields: ReadonlyMap<string, unknown>;
  readonly #whose: string;

  constructor(value: unknown, whose: string) {
    if (typeof value !== "object" || value === null) throw malformed(`${whose} description is no object`);
    this.#fields = new Map<string, unknown>(Object.entries(value));
    this.#whose = whose;
  }

  text(field: string): string {
    const value = this.#fields.get(field);
    if (typeof value !== "string") throw this.#wrong(field, "no text");
    return value;
  }

  textOrNull(field: string): string | null {
    return this.#fields.get(field) === null ? null : this.text(field);
  }

  boolean(field: string): boolean {
    const value = this.#fields.get(field);
    if (typeof value !== "boolean") throw this.#wrong(field, "no boolean");
    return value;
  }

  oneOf<T extends string>(field: string, known: readonly T[]): T {
    const value = this.text(field);
    const match = known.find((candidate) => candidate === value);
    if (match === undefined) throw this.#wrong(field, JSON.stringify(value));
    return match;
  }

  inner(field: string, whose: string): DescriptionReader | null {
    const value = this.#fields.get(field);
    return value === null ? null : new DescriptionReader(value, whose);
  }

  list(field: string, whose: string): DescriptionReader[] {
    const value = this.#fields.get(field);
    if (!Array.isArray(value)) throw this.#wrong(field, "no list");
    return value.map((element) => new DescriptionReader(element, whose));
  }

  #wrong(field: string, what: string): FlockError {
    return malformed(`${this.#whose} ${field} is ${what}`);
  }
}

function hashOf({ code, imports, assets, closure }: Omit<FunctionDescription, "hash">): string {
  const parts = [
    closure,
    imports.map(({ specifier, kind, when, package: from, bundle }) => [specifier, kind, when, identity(from, bundle)]),
    assets.map(({ name, hash }) => [name, hash]),
    code,
  ];
  return contentHash(JSON.stringify(parts));
}

/** What an import is, apart from where it is found. */
function identity(from: PackageIdentity | null, bundle: string | null): unknown {
  if (from !== null) return [from.name, from.version, from.hash];
  return bundle === null ? null : contentHash(bundle);
}

function shortName(name: string): string {
  return name === "" ? "anonymous" : name.slice(0, MAX_NAME);
}

function malformed(why: string): FlockError {
  return new FlockError("FLOCK_PROTOCOL", `A function's description is malformed: ${why}.`);
}
