// From what a user names (a path, an address, a pattern, a folder, bytes) to files that can be read by parts.
import { basename, dirname, resolve } from "node:path";
import { FlockError, isFlockError } from "@taskflock/protocol/words";
import { openStorage, pathOf, webAddress } from "../storage/open-storage.ts";
import type { ByteRange, Storage, StorageOptions } from "../storage/storage.ts";
import { hasWildcard, matcher } from "./pattern.ts";
import type { TableSource } from "./types.ts";

/** A file as readers of tables use it. */
export interface TableFile {
  /** For messages: has no secrets. */
  readonly label: string;
  size(): Promise<number>;
  read(range: ByteRange): Promise<Uint8Array>;
  stream(): AsyncIterable<Uint8Array>;
}

/** What files of a format are called. */
export interface FileKind {
  readonly name: string;
  readonly extension: RegExp;
}

export async function filesOf(source: TableSource, kind: FileKind, options: StorageOptions = {}): Promise<TableFile[]> {
  const sources: readonly (string | URL | Uint8Array)[] = isMany(source) ? source : [source];
  if (sources.length === 0)
    throw new FlockError("FLOCK_ARGUMENT_INVALID", `No ${kind.name} files were given: the array is empty.`);
  const files: TableFile[] = [];
  const opened = new Map<string, Promise<Storage>>();
  const open = (folder: string): Promise<Storage> => {
    const storage = opened.get(folder) ?? openStorage(folder, options);
    opened.set(folder, storage);
    return storage;
  };
  for (const one of sources) {
    if (one instanceof Uint8Array) files.push(bytesFile(one));
    else files.push(...(await located(addressOf(one), kind, open, options)));
  }
  return files;
}

const isMany = (source: TableSource): source is readonly (string | URL | Uint8Array)[] => Array.isArray(source);

function addressOf(source: unknown): string {
  if (source instanceof URL) return source.href;
  if (typeof source === "string" && source !== "") return source;
  throw new FlockError(
    "FLOCK_ARGUMENT_INVALID",
    "A table is a path, an address, the bytes of a file, or an array of these.",
  );
}

function bytesFile(bytes: Uint8Array): TableFile {
  return {
    label: `${bytes.length} bytes`,
    size: async () => bytes.length,
    read: async ({ start, end }) => bytes.subarray(start, end),
    stream: async function* () {
      yield bytes;
    },
  };
}

type Open = (folder: string) => Promise<Storage>;

async function located(address: string, kind: FileKind, open: Open, options: StorageOptions): Promise<TableFile[]> {
  if (/^https?:/i.test(address)) return [await webFile(address, options)];
  if (/^(?!s3:|file:)[a-z][a-z0-9+.-]+:\/\//i.test(address)) await openStorage(address, options); // refuses it
  const { folder, rest } = split(address);
  const storage = await open(folder);
  if (hasWildcard(rest)) return await matching(storage, rest, address);
  if (rest === "") return await allIn(storage, "", kind);
  try {
    return [storedFile(storage, rest, await storage.size(rest))];
  } catch (error) {
    if (!isFlockError(error, "FLOCK_STORAGE_NOT_FOUND")) throw error;
    const found = await allIn(storage, `${rest}/`, kind).catch(() => []);
    if (found.length > 0) return found;
    throw error;
  }
}

async function webFile(address: string, options: StorageOptions): Promise<TableFile> {
  const { openWebFile } = await import("../storage/http.ts");
  const file = openWebFile(webAddress(address), options);
  return { ...file, stream: () => file.stream({ start: 0 }) };
}

/** The folder that has to be opened, and what is meant inside it: a name, a pattern, or nothing for all of it. */
function split(address: string): { folder: string; rest: string } {
  const s3 = /^(s3:\/\/[^/]+)\/*(.*)$/i.exec(address);
  if (s3 !== null) return splitKey(s3[1] ?? "", s3[2] ?? "");
  const path = /^file:/i.test(address) ? pathOf(address) : address;
  const folderMeant = /[\\/]$/.test(path);
  const full = process.platform === "win32" ? resolve(path).replaceAll("\\", "/") : resolve(path);
  if (hasWildcard(full)) {
    const fixed = full.slice(0, full.slice(0, full.search(/[*?]/)).lastIndexOf("/") + 1);
    return { folder: fixed, rest: full.slice(fixed.length) };
  }
  return folderMeant ? { folder: full, rest: "" } : { folder: dirname(full), rest: basename(full) };
}

function splitKey(bucket: string, key: string): { folder: string; rest: string } {
  const wild = key.search(/[*?]/);
  const end = (wild < 0 ? key : key.slice(0, wild)).lastIndexOf("/") + 1;
  return { folder: `${bucket}/${key.slice(0, end)}`, rest: key.slice(end) };
}

async function matching(storage: Storage, pattern: string, address: string): Promise<TableFile[]> {
  const matches = matcher(pattern);
  const found = await storage.list(pattern.slice(0, pattern.search(/[*?]/)));
  const files = found.filter(({ name }) => matches(name));
  if (files.length > 0) return files.map(({ name, bytes }) => storedFile(storage, name, bytes));
  throw new FlockError(
    "FLOCK_STORAGE_NOT_FOUND",
    `No file matches ${address}. Check the pattern: * stays in one folder, ** does not.`,
  );
}

/** Names that begin with `_` or `.` are how other programs mark what is not data. */
async function allIn(storage: Storage, prefix: string, kind: FileKind): Promise<TableFile[]> {
  const found = await storage.list(prefix);
  const data = found.filter(({ name }) => kind.extension.test(name) && !/(^|\/)[_.]/.test(name.slice(prefix.length)));
  if (data.length > 0) return data.map(({ name, bytes }) => storedFile(storage, name, bytes));
  throw new FlockError(
    "FLOCK_STORAGE_NOT_FOUND",
    `${label(storage, prefix)} has no ${kind.name} files. Name the files, or give a pattern.`,
  );
}

function storedFile(storage: Storage, name: string, bytes: number): TableFile {
  return {
    label: label(storage, name),
    size: async () => bytes,
    read: (range) => storage.read(name, range),
    stream: () => storage.stream(name),
  };
}

const label = (storage: Storage, name: string): string => `${storage.url.replace(/\/$/, "")}/${name}`;
