// Files that are served as they are: read once, compressed once, when somebody asks for them.

import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { FastifyReply, FastifyRequest } from "fastify";

/** Where the page's build is, beside this file's folder or in it. */
export const PAGE_FOLDER: string = fileURLToPath(new URL("../dist/web", import.meta.url));
/** Below that, compressed is hardly smaller. */
const SMALL_BYTES = 512;
/** 5 of 11: nearly as small, in a tenth of the time. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } };

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
};

interface WebFile {
  readonly body: Buffer;
  readonly type: string;
  readonly tag: string;
  readonly isPacked: boolean;
  readonly packed: Map<string, Promise<Buffer>>;
}

/** The files of a folder. Only what was there at the start is served: no name leads out of it. */
export class WebFiles {
  readonly #files: ReadonlyMap<string, WebFile>;

  /** All of them, or those `wanted`. Of a folder that is not there: none. */
  static async read(folder: string, wanted: (name: string) => boolean = () => true): Promise<WebFiles> {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    const files = new Map<string, WebFile>();
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name);
      const name = path.slice(folder.length + 1).replaceAll(sep, "/");
      if (entry.isFile() && wanted(name)) files.set(name, webFile(await readFile(path), extname(name)));
    }
    return new WebFiles(files);
  }

  private constructor(files: ReadonlyMap<string, WebFile>) {
    this.#files = files;
  }

  has(name: string): boolean {
    return this.#files.has(name);
  }

  /** `isFixed`: its name changes when it does. Answers 304 when the browser has it. */
  async send(request: FastifyRequest, reply: FastifyReply, name: string, isFixed: boolean): Promise<FastifyReply> {
    const file = this.#files.get(name);
    if (file === undefined) {
      reply.callNotFound();
      return reply;
    }
    reply.header("Cache-Control", isFixed ? "public, max-age=31536000, immutable" : "no-cache");
    reply.header("ETag", file.tag).header("Vary", "Accept-Encoding").type(file.type);
    if (request.headers["if-none-match"] === file.tag) return reply.code(304).send();
    const encoding = file.isPacked ? encodingOf(request.headers["accept-encoding"]) : null;
    if (encoding === null) return reply.send(file.body);
    return reply.header("Content-Encoding", encoding).send(await packed(file, encoding));
  }
}

function webFile(body: Buffer, extension: string): WebFile {
  const type = types[extension] ?? "application/octet-stream";
  const tag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 27)}"`;
  return { body, type, tag, isPacked: body.length >= SMALL_BYTES && !/png|woff2/.test(type), packed: new Map() };
}

type Encoding = "br" | "gzip";

function encodingOf(accepted: unknown): Encoding | null {
  const names = String(accepted ?? "")
    .split(/[\s,]+/)
    .map((part) => part.replace(/;.*/, ""));
  return names.includes("br") ? "br" : names.includes("gzip") ? "gzip" : null;
}

function packed({ body, packed }: WebFile, encoding: Encoding): Promise<Buffer> {
  const known = packed.get(encoding);
  if (known !== undefined) return known;
  const made = encoding === "br" ? promisify(brotliCompress)(body, BROTLI) : promisify(gzip)(body);
  packed.set(encoding, made);
  return made;
}
