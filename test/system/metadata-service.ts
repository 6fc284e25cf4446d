// A small instance metadata service, version 2: without a token that it gave it answers nothing.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export class MetadataService {
  /** What is below /latest/meta-data/; all else is a 404. */
  readonly data: Map<string, string> = new Map();
  /** "PUT token" and "GET spot/instance-action 404", in the order they came. */
  readonly asked: string[] = [];
  readonly #server: Server = createServer((request, response) => this.#answer(request, response));
  readonly #tokens: Set<string> = new Set();
  /** Answers nothing at all while it is true. */
  isSilent = false;

  static async start(port = 0): Promise<MetadataService> {
    const service = new MetadataService();
    await new Promise<void>((resolve) => service.#server.listen(port, "127.0.0.1", resolve));
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** All tokens are forgotten. */
  forget(): void {
    this.#tokens.clear();
  }

  notice(at: number, action = "terminate"): void {
    const time = new Date(at).toISOString().replace(/\.\d+Z$/, "Z"); // whole seconds, as the service has them
    this.data.set("spot/instance-action", JSON.stringify({ action, time }));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer({ method, url = "", headers }: IncomingMessage, response: ServerResponse): void {
    if (this.isSilent) return;
    if (method === "PUT" && url === "/latest/api/token") {
      this.asked.push("PUT token");
      const seconds = Number(headers["x-aws-ec2-metadata-token-ttl-seconds"]);
      if (!(seconds >= 1 && seconds <= 21_600)) return void response.writeHead(400).end();
      const token = `token-${this.#tokens.size}-${this.asked.length}`;
      this.#tokens.add(token);
      return void response.end(token);
    }
    const path = url.replace("/latest/meta-data/", "");
    const known = this.#tokens.has(String(headers["x-aws-ec2-metadata-token"]));
    const text = this.data.get(path);
    const status = known ? (text === undefined ? 404 : 200) : 401;
    this.asked.push(`${method} ${path} ${status}`);
    response.writeHead(status).end(status === 200 ? text : `<h1>${status}</h1>`);
  }
}
