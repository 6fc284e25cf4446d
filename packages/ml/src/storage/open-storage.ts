// From an address to its storage. Each kind is loaded when it is first opened.
import { fileURLToPath } from "node:url";
import { FlockError } from "@taskflock/protocol/words";
import { checkedNetwork } from "./options.ts";
import type { Storage, StorageOptions } from "./storage.ts";

const scheme = /^([a-z][a-z0-9+.-]+):/i;

/**
 * Opens a place for files: a folder (its path, or `file:`), a web server (`https:`, `http:`; read only) or a bucket
 * (`s3://bucket/prefix`, which needs the package `@aws-sdk/client-s3`). Nothing is read yet: a folder or prefix that is not there
 * is made by the first write.
 */
export async function openStorage(place: string | URL, options: StorageOptions = {}): Promise<Storage> {
  const network = checkedNetwork(options);
  const url = place instanceof URL ? place.href : place;
  switch (scheme.exec(url)?.[1]?.toLowerCase()) {
    case undefined:
      return await openDirectory(url);
    case "file":
      return await openDirectory(pathOf(url));
    case "http":
    case "https": {
      const { HttpStorage } = await import("./http.ts");
      return new HttpStorage(webAddress(url), options, network);
    }
    case "s3": {
      const { S3Storage } = await import("./s3.ts");
      return await S3Storage.open(url, options, network);
    }
    default:
      throw unknown(url);
  }
}

async function openDirectory(path: string): Promise<Storage> {
  if (typeof path !== "string" || path === "") throw unknown(path);
  const { DirectoryStorage } = await import("./directory.ts");
  return new DirectoryStorage(path);
}

/** Of a web server. */
export function webAddress(url: string): URL {
  if (!URL.canParse(url)) throw unknown(url);
  const address = new URL(url);
  if (address.hostname === "") throw unknown(url);
  return address;
}

/** Of this machine, by its `file:` address. Throws FLOCK_STORAGE_ADDRESS. */
export function pathOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw new FlockError(
      "FLOCK_STORAGE_ADDRESS",
      `${url} names no folder of this machine. Write file:///path, or the path alone.`,
      { cause: error },
    );
  }
}

function unknown(url: unknown): FlockError {
  // Even an address that cannot be read may hold a password or a signature.
  const shown =
    typeof url === "string" ? JSON.stringify(url.replace(/\/\/.*@/, "//").replace(/\?.*/s, "")) : typeof url;
  return new FlockError(
    "FLOCK_STORAGE_ADDRESS",
    `${shown} is no storage. It takes the path of a folder, file:///path, https://server/path, or s3://bucket/prefix.`,
  );
}
