// Stands between the AWS SDK and the S3 server: notes what is asked, and breaks what a test wants broken.
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Passed {
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  /** Bytes of the answer's body. */
  bytes: number;
}

export class GatewayProxy {
  readonly passed: Passed[] = [];
  /** What to answer instead of the server: a status; undefined: ask the server. */
  refuse: (request: IncomingMessage) => number | undefined = () => undefined;
  readonly #target: string;
  readonly #server: Server;

  private constructor(target: string) {
    this.#target = target;
    this.#server = createServer((incoming, answer) => this.#pass(incoming, answer));
  }

  static async start(target: string): Promise<GatewayProxy> {
    const proxy = new GatewayProxy(target);
    await once(proxy.#server.listen(0, "127.0.0.1"), "listening");
    return proxy;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Of the bodies of all answers to GET. */
  get bytes(): number {
    return this.passed.filter(({ method }) => method === "GET").reduce((sum, { bytes }) => sum + bytes, 0);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(incoming: IncomingMessage, answer: ServerResponse): void {
    const { method = "", url = "", headers } = incoming;
    const passed: Passed = { method, path: url, range: headers.range, bytes: 0 };
    this.passed.push(passed);
    const refusal = this.refuse(incoming);
    if (refusal !== undefined) {
      incoming.resume();
      answer.writeHead(refusal).end();
      return;
    }
    // The Host stays as it was, because it is signed.
    const asked = request(this.#target + url, { method, headers }, (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.on("data", (piece: Uint8Array) => {
        passed.bytes += piece.length;
      });
      reply.pipe(answer);
    });
    asked.on("error", () => answer.destroy());
    incoming.pipe(asked);
  }
}
