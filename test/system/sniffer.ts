// A proxy that reads along: somebody on the network between two ends.

import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A text may lie across two pieces: so much of the last one is looked at again. */
const OVERLAP = 1024;

export class Sniffer {
  /** Bytes that it saw, both directions together. */
  bytes = 0;
  readonly #secrets: readonly Buffer[];
  readonly #seen: Set<string> = new Set();
  readonly #server: Server;
  readonly #sockets: Set<Socket> = new Set();

  /** In front of a port of this machine; it looks out for the texts. Port 0: any free one. */
  static async start(target: number, secrets: readonly string[], host = "127.0.0.1", port = 0): Promise<Sniffer> {
    const sniffer = new Sniffer(target, host, secrets);
    await new Promise<void>((done, fail) => {
      sniffer.#server.once("error", fail);
      sniffer.#server.listen(port, host, done);
    });
    return sniffer;
  }

  private constructor(target: number, host: string, secrets: readonly string[]) {
    this.#secrets = secrets.map((text) => Buffer.from(text));
    this.#server = createServer((near) => {
      const far = connect(target, host);
      this.#watch(near, far);
      this.#watch(far, near);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `${(this.#server.address() as AddressInfo).address}:${this.port}`;
  }

  /** Those of the texts that passed in the clear. */
  get seen(): readonly string[] {
    return [...this.#seen];
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #watch(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    let rest = Buffer.alloc(0);
    from.on("data", (bytes: Buffer) => {
      this.bytes += bytes.length;
      const all = Buffer.concat([rest, bytes]);
      for (const secret of this.#secrets) if (all.includes(secret)) this.#seen.add(secret.toString());
      rest = all.subarray(-OVERLAP);
      if (!to.write(bytes)) from.pause();
    });
    to.on("drain", () => from.resume());
    from.on("end", () => to.end());
    from.on("error", () => to.destroy());
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}
