// A real web server with the behaviours that readers meet: ranges or none, redirects, breaks, refusals. It notes what it was asked.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Asked {
  readonly path: string;
  readonly range: string | undefined;
  readonly headers: IncomingMessage["headers"];
  /** Bytes of body that were handed out. */
  bytes: number;
}

export class RangeServer {
  readonly files: Map<string, Uint8Array> = new Map();
  readonly asked: Asked[] = [];
  ranges = true;
  /** Looks at a request first; true when it has answered. */
  before: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;
  /** The connection is cut after so many bytes of the body; undefined: never. Asked for each answer. */
  cutAfter: () => number | undefined = () => undefined;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(): Promise<RangeServer> {
    const server = new RangeServer();
    await once(server.#server.listen(0, "127.0.0.1"), "listening");
    return server;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get bytes(): number {
    return this.asked.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  reset(): void {
    this.asked.length = 0;
    this.ranges = true;
    this.before = () => false;
    this.cutAfter = () => undefined;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent((request.url ?? "").split("?")[0] ?? "");
    const asked: Asked = { path, range: request.headers.range, headers: request.headers, bytes: 0 };
    this.asked.push(asked);
    if (this.before(request, response)) return;
    const file = this.files.get(path);
    if (file === undefined) return void response.writeHead(404).end();
    const etag = `"${createHash("sha1").update(file).digest("hex")}"`;
    const wanted = request.headers["if-match"];
    if (wanted !== undefined && wanted !== etag) return void response.writeHead(412).end();
    const [from, to] = this.ranges ? bounds(request.headers.range, file.length) : [0, file.length];
    if (from >= file.length && file.length > 0)
      return void response.writeHead(416, { "content-range": `bytes */${file.length}` }).end();
    const part = file.subarray(from, to);
    const partial = this.ranges && request.headers.range !== undefined;
    const range = partial ? { "content-range": `bytes ${from}-${to - 1}/${file.length}` } : {};
    response.writeHead(partial ? 206 : 200, { etag, "content-length": part.length, ...range });
    this.#send(response, part, asked);
  }

  #send(response: ServerResponse, part: Uint8Array, asked: Asked): void {
    const cut = this.cutAfter() ?? part.length;
    asked.bytes = Math.min(cut, part.length);
    response.write(part.subarray(0, cut), () => {
      if (cut < part.length) response.destroy();
    });
    if (cut >= part.length) response.end();
  }
}

function bounds(range: string | undefined, length: number): [number, number] {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range ?? "") ?? [];
  if (from === undefined) return [0, length];
  return [Number(from), to === "" ? length : Math.min(Number(to) + 1, length)];
}
