// A proxy in front of a port, that counts what it passes on and stops at a number of bytes until it is opened.

import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export class Gate {
  /** Bytes from the port to whoever connected. */
  passed = 0;
  readonly #server: Server;
  readonly #sockets: Set<Socket> = new Set();
  #limit = Number.POSITIVE_INFINITY;
  #target: number;
  #reached: (() => void)[] = [];
  readonly #held: Set<Socket> = new Set();

  static async start(target = 0): Promise<Gate> {
    const gate = new Gate(target);
    await new Promise<void>((done) => gate.#server.listen(0, "127.0.0.1", done));
    return gate;
  }

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((near) => this.#accept(near));
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Where connections go from now on. */
  lead(target: number): void {
    this.#target = target;
  }

  /** No more than so many bytes. */
  stopAt(bytes: number): void {
    this.#limit = bytes;
  }

  open(): void {
    this.#limit = Number.POSITIVE_INFINITY;
    for (const far of this.#held) far.resume();
    this.#held.clear();
  }

  /** Resolves when it has stopped. */
  stopped(): Promise<void> {
    if (this.passed >= this.#limit) return Promise.resolve();
    return new Promise((resolve) => this.#reached.push(resolve));
  }

  /** Whoever is connected has to connect again. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #accept(near: Socket): void {
    const far = connect(this.#target, "127.0.0.1");
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far);
    far.on("data", (bytes: Buffer) => {
      this.passed += bytes.length;
      if (!near.write(bytes)) {
        far.pause();
        near.once("drain", () => this.#held.has(far) || far.resume());
      }
      if (this.passed < this.#limit) return;
      far.pause();
      this.#held.add(far);
      for (const reached of this.#reached.splice(0)) reached();
    });
  }
}
