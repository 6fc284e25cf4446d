// Looks into a process that was started with --inspect: forced garbage collections, CPU profiles, allocations. What is not asked for
// costs the process nothing.

import { WebSocket } from "ws";

interface Thread {
  /** "main", or the number and title of a worker thread. */
  readonly name: string;
  call(method: string, params?: object): Promise<Answer>;
}

// biome-ignore lint/suspicious/noExplicitAny: each method of the protocol answers with something else
type Answer = any;
type Settle = (answer: { result?: Answer; error?: { message: string } }) => void;

export class Inspector {
  readonly #socket: WebSocket;
  readonly #pending: Map<number, Settle> = new Map();
  readonly #threads: Map<string, Thread> = new Map();
  #id = 0;

  static async open(url: string): Promise<Inspector> {
    // Profiles are large.
    const socket = new WebSocket(url, { maxPayload: 1024 ** 3 });
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    const inspector = new Inspector(socket);
    await inspector.#call("NodeWorker.enable", { waitForDebuggerOnStart: false });
    return inspector;
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.#threads.set("", { name: "main", call: (method, params) => this.#call(method, params) });
    socket.on("message", (data) => this.#receive(JSON.parse(String(data))));
  }

  /** The main thread and the worker threads that run. */
  get threads(): readonly Thread[] {
    return [...this.#threads.values()];
  }

  /** Heap and array buffers of the main thread that are still in use after a forced garbage collection. */
  async bytesInUse(): Promise<number> {
    // Finalizers run between two collections.
    for (let round = 0; round < 3; round++) await this.#call("HeapProfiler.collectGarbage");
    const expression = "(({ heapUsed, arrayBuffers }) => heapUsed + arrayBuffers)(process.memoryUsage())";
    const { result } = await this.#call("Runtime.evaluate", { expression, returnByValue: true });
    return result.value;
  }

  close(): void {
    this.#socket.close();
  }

  #call(method: string, params: object = {}): Promise<Answer> {
    const id = ++this.#id;
    return this.#answer(id, () => this.#socket.send(JSON.stringify({ id, method, params })));
  }

  #callThread(sessionId: string, method: string, params: object = {}): Promise<Answer> {
    const id = ++this.#id;
    const message = JSON.stringify({ id, method, params });
    return this.#answer(id, () => {
      this.#call("NodeWorker.sendMessageToWorker", { sessionId, message }).catch(() => undefined);
    });
  }

  #answer(id: number, send: () => void): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#pending.set(id, ({ result, error }) => (error ? reject(new Error(error.message)) : resolve(result)));
      send();
    });
  }

  #receive(message: Answer): void {
    if (message.id !== undefined) {
      this.#pending.get(message.id)?.(message);
      this.#pending.delete(message.id);
    } else if (message.method === "NodeWorker.attachedToWorker") {
      const { sessionId, workerInfo } = message.params;
      const name = `thread-${workerInfo.workerId}`;
      this.#threads.set(sessionId, { name, call: (method, params) => this.#callThread(sessionId, method, params) });
    } else if (message.method === "NodeWorker.detachedFromWorker") {
      this.#threads.delete(message.params.sessionId);
    } else if (message.method === "NodeWorker.receivedMessageFromWorker") {
      this.#receive(JSON.parse(message.params.message));
    }
  }
}
