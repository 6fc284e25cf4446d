// A TLS port that knows plain text when it gets it, and says what is wrong instead of hanging up.

import type { ServerOptions, Server as WebServer } from "node:http";
import type { Server as SecureWebServer } from "node:https";
import type { Socket } from "node:net";
import { Places } from "../link/places.ts";
import type { ServerCertificate } from "./server-certificate.ts";
import { UPGRADE_TO_TLS } from "./tls-errors.ts";

/** Who has not sent a byte for so long, or not shaken hands, is cut off. */
const SHAKE_HANDS_MS = 5_000;
const LINGER_MS = 1_000;
/** So many may have shaken no hands at a time, a quarter of them of one address; further ones are cut off. */
const MAX_EARLY = 4_096;
/** The first byte of who begins with TLS. */
const TLS_HANDSHAKE = 0x16;

/** Answers plain text; `request`: what has come of it. The text is written, and the connection ended. */
export type AnswerPlain = (request: string) => string;

/** A web server behind TLS. It lets go of the certificate when it closes. */
export function newSecureServer(
  options: ServerOptions,
  certificate: ServerCertificate,
  answerPlain: AnswerPlain = useTls,
  maxEarly: number = MAX_EARLY,
): SecureWebServer {
  const { createServer } = process.getBuiltinModule("node:https");
  const server = createServer({ ...options, ...certificate.pair, handshakeTimeout: SHAKE_HANDS_MS });
  const letGo = certificate.keep(server);
  server.once("close", letGo);
  lookFirst(server, answerPlain, new Places(maxEarly));
  return server;
}

/** For connections that need no TLS because they never leave the machine. */
export function acceptPlain(server: WebServer, isSecure: boolean, socket: Socket): void {
  server.emit(isSecure ? "secureConnection" : "connection", socket);
}

function lookFirst(server: SecureWebServer, answerPlain: AnswerPlain, places: Places): void {
  const begin = server.listeners("connection") as ((socket: Socket) => void)[];
  /** Who has not shaken hands, by address and port. */
  const early = new Map<string, { readonly socket: Socket; leave(): void }>();
  const isKnown = (name: string): void => {
    early.get(name)?.leave();
    early.delete(name);
  };
  server.on("secureConnection", (socket) => isKnown(nameOf(socket)));
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    const giveUp = (): void => void socket.destroy();
    if (!places.hasRoomFor(socket.remoteAddress)) return giveUp();
    const name = nameOf(socket);
    early.set(name, { socket, leave: places.take(socket.remoteAddress) });
    socket.once("close", () => isKnown(name));
    socket.on("error", giveUp);
    socket.setTimeout(SHAKE_HANDS_MS, giveUp);
    socket.once("readable", () => {
      const first = socket.read() as Buffer | null;
      if (first === null) return giveUp();
      socket.setTimeout(0, giveUp);
      if (first[0] !== TLS_HANDSHAKE) return say(socket, answerPlain(first.toString("latin1")));
      socket.unshift(first);
      for (const one of begin) one.call(server, socket);
    });
  });
  const close = server.close.bind(server);
  server.close = (done) => {
    for (const { socket } of early.values()) socket.destroy();
    return close(done);
  };
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function say(socket: Socket, text: string): void {
  socket.setTimeout(LINGER_MS, () => socket.destroy());
  socket.resume().end(text, () => socket.destroy());
}

/** To programs and people who speak HTTP. */
export function useTls(): string {
  return refusePlain("This port speaks TLS: use https:// in a browser, and --tls-ca with Taskflock's programs.");
}

/** An answer over HTTP that says `why`, in ASCII. */
export function refusePlain(why: string): string {
  const text = `${why}\n`;
  return [
    "HTTP/1.1 426 Upgrade Required",
    `Upgrade: ${UPGRADE_TO_TLS}`,
    ...["Connection: close", "Content-Type: text/plain", `Content-Length: ${text.length}`],
    ...["", text],
  ].join("\r\n");
}
