// The page's WebSocket: opens it, opens it again when it is lost, and tells the server what the page wishes.

import type { FeedMessage, FeedWish } from "@taskflock/protocol/words";

/** What people are told of the connection. */
export type ConnectionState =
  | { readonly is: "connecting" }
  | { readonly is: "open" }
  /** Lost, or never there: tried again at `retryAt` (ms since 1970, the reader's clock). */
  | { readonly is: "lost"; readonly retryAt: number }
  /** The server does not know this reader (any more): the sign-in page is next. */
  | { readonly is: "signedOut" };

type Socket = Pick<WebSocket, "send" | "close" | "readyState" | "addEventListener">;

export interface ConnectionOptions {
  readonly url: string;
  open(url: string): Socket;
  onMessage(message: FeedMessage): void;
  onState(state: ConnectionState): void;
  /** Asked when the connection is lost or could not be opened, because a browser does not tell why. */
  isSignedIn(): Promise<boolean>;
  /** From 0 to 1. */
  random(): number;
  now(): number;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
/** Nothing came for so long, though it should every second: the connection is dead without having said so. */
const SILENCE_MS = 20_000;
const OPEN = 1;

/** How long to wait before try number `attempt` (1, 2, 3 …), ms: twice as long each time, and not all pages at one moment. */
export function waitBefore(attempt: number, random: number): number {
  const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempt - 1));
  return Math.round(longest * (0.5 + random / 2));
}

export class Connection {
  readonly #options: ConnectionOptions;
  #socket: Socket | null = null;
  #wish: FeedWish = { topics: [], run: 0, paused: false };
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Opens it, or tries at once instead of waiting. */
  connect(): void {
    if (this.#isClosed || this.#socket !== null) return;
    clearTimeout(this.#timer);
    this.#options.onState({ is: "connecting" });
    const socket = this.#options.open(this.#options.url);
    this.#socket = socket;
    socket.addEventListener("open", () => {
      this.#attempt = 0;
      this.#options.onState({ is: "open" });
      this.#sendWish();
    });
    socket.addEventListener("message", (event) => {
      if (socket === this.#socket) this.#receive(event.data);
    });
    // A `close` follows; without a listener some sockets throw.
    socket.addEventListener("error", () => {});
    socket.addEventListener("close", () => {
      if (socket === this.#socket) void this.#lost();
    });
  }

  wish(wish: FeedWish): void {
    this.#wish = wish;
    this.#sendWish();
    this.#listenForSilence();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#silence);
    this.#socket?.close();
    this.#socket = null;
  }

  #sendWish(): void {
    if (this.#socket?.readyState === OPEN) this.#socket.send(JSON.stringify(this.#wish));
  }

  #receive(data: unknown): void {
    this.#listenForSilence();
    this.#options.onMessage(JSON.parse(String(data)) as FeedMessage);
  }

  #listenForSilence(): void {
    clearTimeout(this.#silence);
    const socket = this.#socket;
    if (this.#wish.paused || socket === null || socket.readyState !== OPEN) return;
    this.#silence = setTimeout(() => {
      if (socket !== this.#socket) return;
      socket.close();
      // A dead connection may take minutes to close.
      void this.#lost();
    }, SILENCE_MS);
  }

  async #lost(): Promise<void> {
    this.#socket = null;
    clearTimeout(this.#silence);
    const wait = waitBefore(++this.#attempt, this.#options.random());
    this.#options.onState({ is: "lost", retryAt: this.#options.now() + wait });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.connect(), wait);
    if ((await this.#options.isSignedIn()) || this.#isClosed) return;
    this.close();
    this.#options.onState({ is: "signedOut" });
  }
}
