// A web server as a storage: read only, by ranges. On node:http, because `fetch` unpacks what a server sends compressed, and then
// ranges do not fit.
import { type IncomingMessage, Agent as PlainAgent, request as plainRequest } from "node:http";
import { Agent as TlsAgent, request as tlsRequest } from "node:https";
import { Readable } from "node:stream";
import { FlockError } from "@taskflock/protocol/words";
import { checkName, checkRange } from "./names.ts";
import { collected, type Opened, Passing, resumed, retried, unreachable } from "./network.ts";
import { checkedNetwork, type NetworkOptions } from "./options.ts";
import type { ByteRange, Storage, StorageOptions, StoredFile } from "./storage.ts";

const redirectLimit = 10;
const redirects = new Set([301, 302, 303, 307, 308]);
const passingStatuses = new Set([408, 425, 429, 500, 502, 503, 504]);
const passingCodes = new Set([
  ...["ECONNRESET", "ECONNREFUSED", "ECONNABORTED", "ETIMEDOUT", "EPIPE", "EHOSTUNREACH", "ENETUNREACH", "EAI_AGAIN"],
]);

type Headers = Readonly<Record<string, string>>;

export class HttpStorage implements Storage {
  readonly url: string;
  readonly #base: URL;
  readonly #web: WebFiles;

  /** A query in the address (such as a signature) goes with every request; user and password become a header. */
  constructor(address: URL, options: StorageOptions, network: NetworkOptions) {
    this.#base = address;
    this.#web = new WebFiles(address, options, network);
    this.url = label(address);
  }

  async read(name: string, range?: ByteRange): Promise<Uint8Array> {
    return await collected(this.stream(name, range));
  }

  stream(name: string, range: ByteRange = { start: 0 }): AsyncGenerator<Uint8Array> {
    return this.#web.stream(this.#address(name), range);
  }

  async size(name: string): Promise<number> {
    return await this.#web.size(this.#address(name));
  }

  async write(name: string): Promise<void> {
    throw this.#readOnly(`write ${name}`);
  }

  async append(name: string): Promise<void> {
    throw this.#readOnly(`append to ${name}`);
  }

  async remove(name: string): Promise<void> {
    throw this.#readOnly(`remove ${name}`);
  }

  async list(): Promise<readonly StoredFile[]> {
    throw this.#readOnly("list files");
  }

  #address(name: string): URL {
    checkName(name, this.url);
    const url = new URL(this.#base);
    const path = name.split("/").map(encodeURIComponent).join("/");
    url.pathname = `${url.pathname.replace(/\/$/, "")}/${path}`;
    return url;
  }

  #readOnly(action: string): FlockError {
    return new FlockError(
      "FLOCK_STORAGE_UNSUPPORTED",
      `Cannot ${action}: ${this.url} is a web server, where files are only read, each by its name. Use a folder or s3://bucket/prefix.`,
    );
  }
}

/** One file of a web server, by its whole address. */
export interface WebFile {
  /** The address without secrets. */
  readonly label: string;
  size(): Promise<number>;
  read(range: ByteRange): Promise<Uint8Array>;
  stream(range: ByteRange): AsyncIterable<Uint8Array>;
}

export function openWebFile(address: URL, options: StorageOptions): WebFile {
  const web = new WebFiles(address, options, checkedNetwork(options));
  return {
    label: label(address),
    size: () => web.size(address),
    read: (range) => collected(web.stream(address, range)),
    stream: (range) => web.stream(address, range),
  };
}

/** Connections are used again, also by the next file of the same server. */
const plainAgent = new PlainAgent({ keepAlive: true });
const tlsAgent = new TlsAgent({ keepAlive: true });

/** Requests to one server, and where it redirects to. */
class WebFiles {
  readonly #network: NetworkOptions;
  readonly #headers: Headers;

  constructor(address: URL, options: StorageOptions, network: NetworkOptions) {
    this.#network = network;
    this.#headers = { ...authorization(address), ...options.headers };
  }

  stream(url: URL, range: ByteRange): AsyncGenerator<Uint8Array> {
    checkRange(range);
    return resumed(label(url), this.#network, range, (part, version) => this.#open(url, part, version));
  }

  async size(url: URL): Promise<number> {
    // One byte, and not HEAD: signed addresses allow only what they were signed for.
    const answer = await retried(label(url), this.#network, () => this.#ask(url, { range: "bytes=0-0" }));
    const told = answer.statusCode === 200 ? answer.headers["content-length"] : totalIn(answer);
    answer.destroy();
    if (told !== undefined) return Number(told);
    let bytes = 0;
    for await (const piece of this.stream(url, { start: 0 })) bytes += piece.length;
    return bytes;
  }

  async #open(url: URL, range: ByteRange, version: string | undefined): Promise<Opened> {
    const whole = range.start === 0 && range.end === undefined;
    const headers: Record<string, string> = whole ? {} : { range: `bytes=${range.start}-${(range.end ?? 0) - 1}` };
    if (range.end === undefined && !whole) headers["range"] = `bytes=${range.start}-`;
    if (version !== undefined) headers["if-match"] = version;
    const answer = await this.#ask(url, headers);
    const tag = strongTag(answer);
    if (version !== undefined && tag !== version && answer.statusCode !== 416) {
      answer.destroy();
      throw changed(label(url));
    }
    return { body: bodyOf(answer, range, label(url)), source: answer, version: tag };
  }

  async #ask(url: URL, extra: Headers): Promise<IncomingMessage> {
    let at = url;
    for (let hops = 0; hops <= redirectLimit; hops++) {
      const own = at.origin === url.origin ? this.#headers : {};
      const answer = await this.#send(at, { "accept-encoding": "identity", ...own, ...extra });
      const status = answer.statusCode ?? 0;
      if (!redirects.has(status)) return judged(answer, status, label(url));
      answer.resume();
      at = target(answer, at);
    }
    throw new FlockError(
      "FLOCK_STORAGE_FAILED",
      `${label(url)}: the server redirects more than ${redirectLimit} times. Check the address in a browser.`,
    );
  }

  #send(url: URL, headers: Headers): Promise<IncomingMessage> {
    const tls = url.protocol === "https:";
    const { timeoutMs } = this.#network;
    return new Promise<IncomingMessage>((resolve, reject) => {
      // `auth` empty: user and password are in a header, for this server only.
      const asked = (tls ? tlsRequest : plainRequest)(url, {
        auth: null,
        headers,
        agent: tls ? tlsAgent : plainAgent,
      });
      asked.setTimeout(timeoutMs, () => asked.destroy(new Passing(`no answer within ${timeoutMs} ms`)));
      asked.on("response", (answer) => {
        // From here on the reader of the body counts the time.
        asked.setTimeout(0);
        resolve(answer);
      });
      asked.on("error", (error: NodeJS.ErrnoException) => {
        const passing = error instanceof Passing || passingCodes.has(error.code ?? "");
        reject(passing ? new Passing(error.message) : unreachable(label(url), 1, untrusted(error)));
      });
      asked.end();
    });
  }
}

/** What Node says of a certificate that it does not trust does not say what to do about it. */
function untrusted(error: NodeJS.ErrnoException): Error {
  if (!/CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(error.code ?? "")) return error;
  return new Error(`${error.message} (name the certificates to trust in NODE_EXTRA_CA_CERTS)`);
}

/** Without user, password and query, which may be secrets. */
function label(url: URL): string {
  return url.origin + url.pathname;
}

function authorization({ username, password }: URL): Headers {
  if (username === "" && password === "") return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}

function judged(answer: IncomingMessage, status: number, where: string): IncomingMessage {
  if (status === 200 || status === 206) {
    const encoding = answer.headers["content-encoding"] ?? "identity";
    if (encoding === "identity" || where.endsWith(".gz")) return answer;
    answer.destroy();
    throw new FlockError(
      "FLOCK_STORAGE_FAILED",
      `${where}: the server sends it compressed (${encoding}) although it was asked not to. Switch that off there for this file.`,
    );
  }
  if (status === 416) return answer;
  answer.resume();
  if (passingStatuses.has(status)) throw new Passing(`the server answers ${status}`, waitAsked(answer));
  throw refusal(status, where);
}

function refusal(status: number, where: string): FlockError {
  if (status === 404 || status === 410)
    return new FlockError("FLOCK_STORAGE_NOT_FOUND", `${where} does not exist (${status}). Check the address.`);
  if (status === 401 || status === 403 || status === 407) {
    return new FlockError(
      "FLOCK_STORAGE_DENIED",
      `${where}: access is denied (${status}). Give what the server asks for by the option headers; a signed address may have expired.`,
    );
  }
  if (status === 412) return changed(where);
  return new FlockError("FLOCK_STORAGE_FAILED", `${where}: the server answers ${status}.`);
}

function changed(where: string): FlockError {
  return new FlockError("FLOCK_STORAGE_FAILED", `${where} changed while it was read. Read it again.`);
}

function waitAsked({ headers }: IncomingMessage): number | undefined {
  const seconds = Number(headers["retry-after"]);
  return Number.isFinite(seconds) ? seconds * 1000 : undefined;
}

function target(answer: IncomingMessage, from: URL): URL {
  const location = answer.headers.location;
  const to = location !== undefined && URL.canParse(location, from.href) ? new URL(location, from.href) : undefined;
  const safe = to?.protocol === "https:" || (to?.protocol === "http:" && from.protocol === "http:");
  if (to !== undefined && safe) return to;
  throw new FlockError(
    "FLOCK_STORAGE_FAILED",
    `${label(from)}: the server redirects to ${to === undefined ? "no address" : label(to)}, which is not followed.`,
  );
}

const contentRange = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/;

function totalIn({ headers }: IncomingMessage): string | undefined {
  const total = contentRange.exec(headers["content-range"] ?? "")?.[2];
  return total === "*" ? undefined : total;
}

function bodyOf(answer: IncomingMessage, range: ByteRange, where: string): AsyncIterable<Uint8Array> {
  if (answer.statusCode === 416) {
    // The range begins where the file ends.
    answer.resume();
    return Readable.from([]);
  }
  if (answer.statusCode === 206) {
    const start = contentRange.exec(answer.headers["content-range"] ?? "")?.[1];
    if (Number(start) === range.start) return answer;
    answer.destroy();
    throw new FlockError(
      "FLOCK_STORAGE_FAILED",
      `${where}: the server sends another part of the file than it was asked for.`,
    );
  }
  return range.start === 0 && range.end === undefined ? answer : partOf(answer, range);
}

/** A server without ranges sends the whole file. Empty pieces show that it is alive while what lies before the range passes. */
async function* partOf(
  body: IncomingMessage,
  { start, end = Number.POSITIVE_INFINITY }: ByteRange,
): AsyncGenerator<Uint8Array> {
  let at = 0;
  for await (const piece of body as AsyncIterable<Uint8Array>) {
    yield piece.subarray(Math.max(start - at, 0), Math.max(Math.min(end - at, piece.length), 0));
    at += piece.length;
    if (at >= end) return;
  }
}

/** Weak tags do not promise the same bytes. */
function strongTag({ headers }: IncomingMessage): string | undefined {
  return headers.etag?.startsWith('"') === true ? headers.etag : undefined;
}
