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

/** A function that travels with the code it needs: as one text in which everything that it uses of the user's stands. */
export interface BundleFunction {
  readonly kind: "bundle";
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

export type FunctionDescription = CodeFunction | ExportFunction | BundleFunction;

const HASH_CHARACTERS = 32;
const MAX_NAME = 100;

/** The first 128 bits of the SHA-256, in hexadecimal. */
export function contentHash(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex").slice(0, HASH_CHARACTERS);
}

export function codeFunction(name: string, code: string): CodeFunction {
  return { kind: "code", hash: contentHash(code), name: shortName(name), code };
}

export function exportFunction(name: string, from: Omit<ExportFunction, "kind" | "hash" | "name">): ExportFunction {
  return { kind: "export", hash: exportHash(from), name: shortName(name), ...from };
}

export function bundleFunction(of: Omit<BundleFunction, "kind" | "hash">): BundleFunction {
  const { code, imports, assets, closure } = of;
  return { kind: "bundle", hash: bundleHash(of), name: shortName(of.name), code, imports, assets, closure };
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
  const description = readDescription(read, read.text("kind"));
  if (description.hash !== read.text("hash")) throw malformed("its hash is of something else");
  return description;
}

function readDescription(read: DescriptionReader, kind: string): FunctionDescription {
  switch (kind) {
    case "code":
      return codeFunction(read.text("name"), read.text("code"));
    case "export":
      return readExport(read);
    case "bundle":
      return bundleFunction({
        name: read.text("name"),
        code: read.text("code"),
        imports: read.list("imports", "an import's").map(readImport),
        assets: read.list("assets", "an asset's").map(readAsset),
        closure: read.boolean("closure"),
      });
    default:
      throw malformed(`its kind is ${JSON.stringify(kind)}`);
  }
}

function readExport(read: DescriptionReader): ExportFunction {
  return exportFunction(read.text("name"), {
    specifier: read.text("specifier"),
    exportName: read.text("exportName"),
    packageName: read.text("packageName"),
    version: read.text("version"),
    packageHash: read.text("packageHash"),
  });
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

function exportHash(from: Omit<ExportFunction, "kind" | "hash" | "name">): string {
  return contentHash(
    ["export", from.specifier, from.exportName, from.packageName, from.version, from.packageHash].join("\n"),
  );
}

function bundleHash({ code, imports, assets, closure }: Omit<BundleFunction, "kind" | "hash">): string {
  const parts = [
    "bundle",
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
