// A folder as a storage. What `write` leaves is on disk, whole, or not there at all.
import { randomBytes } from "node:crypto";
import { createReadStream, type Dirent } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { FlockError } from "@taskflock/protocol/words";
import { byName, checkName, checkPrefix, checkRange } from "./names.ts";
import type { ByteRange, Storage, StoredFile } from "./storage.ts";

/** Files that `write` has not finished: `list` passes them over. One that stays was left by a process that was killed. */
const unfinished = /^\.taskflock-[0-9a-f]{16}\.tmp$/;

export class DirectoryStorage implements Storage {
  readonly url: string;

  constructor(folder: string) {
    this.url = resolve(folder);
  }

  async read(name: string, range?: ByteRange): Promise<Uint8Array> {
    checkRange(range);
    const path = this.#path(name);
    return await told("read", path, async () => {
      return await opened(path, "r", async (file) => {
        const { size } = await file.stat();
        const start = Math.min(range?.start ?? 0, size);
        return await readFully(file, start, Math.min(range?.end ?? size, size) - start);
      });
    });
  }

  async *stream(name: string, range?: ByteRange): AsyncGenerator<Uint8Array> {
    checkRange(range);
    if (range?.end === range?.start && range !== undefined) return;
    const path = this.#path(name);
    const end = range?.end === undefined ? {} : { end: range.end - 1 };
    const file = createReadStream(path, { start: range?.start ?? 0, ...end, highWaterMark: 1 << 20 });
    try {
      for await (const piece of file) yield piece as Uint8Array;
    } catch (error) {
      throw failure("read", path, error);
    } finally {
      file.destroy();
    }
  }

  async size(name: string): Promise<number> {
    const path = this.#path(name);
    return await told("read", path, async () => {
      const found = await stat(path);
      if (!found.isFile()) throw Object.assign(new Error("it is no file"), { code: "EISDIR" });
      return found.size;
    });
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    const path = this.#path(name);
    await told("write", path, async () => {
      await makeFolder(dirname(path));
      const temporary = join(dirname(path), `.taskflock-${randomBytes(8).toString("hex")}.tmp`);
      try {
        await writeDurably(temporary, "wx", bytes);
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
      await syncFolder(dirname(path));
    });
  }

  async append(name: string, bytes: Uint8Array): Promise<void> {
    const path = this.#path(name);
    await told("write", path, async () => {
      await makeFolder(dirname(path));
      await writeDurably(path, "a", bytes);
    });
  }

  async list(prefix = ""): Promise<readonly StoredFile[]> {
    checkPrefix(prefix, this.url);
    // Only the folder that the prefix names has to be read.
    const start = join(this.url, prefix.slice(0, prefix.lastIndexOf("/") + 1));
    return await told("list", start, async () => {
      const paths = await filesBelow(start);
      const files = await Promise.all(paths.map((path) => this.#stored(path)));
      const found = files.filter((file) => file !== undefined);
      return found.filter(({ name }) => name.startsWith(prefix)).sort(byName);
    });
  }

  async remove(name: string): Promise<void> {
    const path = this.#path(name);
    await told("remove", path, () => rm(path, { force: true }));
  }

  /** Undefined for what is no file, or was removed meanwhile. Links to files count as files. */
  async #stored(path: string): Promise<StoredFile | undefined> {
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile() !== true) return undefined;
    return { name: relative(this.url, path).split(sep).join("/"), bytes: found.size };
  }

  #path(name: string): string {
    checkName(name, this.url);
    return join(this.url, name);
  }
}

/** Folder by folder: one that is removed meanwhile must not hide the others. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(absent);
  const paths: string[] = [];
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) paths.push(...(await filesBelow(path)));
    else if (!unfinished.test(entry.name)) paths.push(path);
  }
  return paths;
}

/** A folder that is not there has no files: it comes into being with the first write. */
function absent(error: NodeJS.ErrnoException): Dirent[] {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return [];
  throw error;
}

async function opened<T>(path: string, flags: "r" | "wx" | "a", work: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, flags);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

async function readFully(file: FileHandle, start: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.max(length, 0));
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await file.read(bytes, done, Math.min(bytes.length - done, 1 << 30), start + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done === bytes.length ? bytes : bytes.slice(0, done);
}

async function writeDurably(path: string, flags: "wx" | "a", bytes: Uint8Array): Promise<void> {
  await opened(path, flags, async (file) => {
    await file.writeFile(bytes);
    await file.sync();
  });
}

/** Makes the folder, and those above it that are missing; they must be on disk, too, for the file to be found. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** What file systems answer that cannot do it: shares of other machines, mostly. */
const withoutFolderSync = new Set(["EINVAL", "ENOTSUP", "ENOSYS"]);

async function syncFolder(folder: string): Promise<void> {
  // Windows has no fsync of folders: it writes their entries itself.
  if (process.platform === "win32") return;
  await opened(folder, "r", async (file) => {
    await file.sync().catch((error: NodeJS.ErrnoException) => {
      if (!withoutFolderSync.has(error.code ?? "")) throw error;
    });
  });
}

async function told<T>(action: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw failure(action, path, error);
  }
}

function failure(action: string, path: string, error: unknown): FlockError {
  const { code, message } = error as NodeJS.ErrnoException;
  const what = `${path}: cannot ${action}`;
  const because = { cause: error };
  switch (code) {
    case "ENOENT":
      return new FlockError("FLOCK_STORAGE_NOT_FOUND", `${what}, it does not exist. Check the name.`, because);
    case "ENOTDIR":
    case "EISDIR":
    case "EEXIST":
    case "ENAMETOOLONG":
      return new FlockError("FLOCK_STORAGE_NOT_FOUND", `${what}: ${message}. Check the name.`, because);
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new FlockError(
        "FLOCK_STORAGE_DENIED",
        `${what}, access is denied (${code}). Check owner and permissions.`,
        because,
      );
    case "ENOSPC":
    case "EDQUOT":
      return new FlockError(
        "FLOCK_STORAGE_FULL",
        `${what}, there is no room (${code}). Free disk space or write elsewhere.`,
        because,
      );
    default:
      return new FlockError("FLOCK_STORAGE_FAILED", `${what}: ${message}`, because);
  }
}
