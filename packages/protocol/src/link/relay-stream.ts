// Relays: where a peer port cannot be reached, its worker and who wants to reach it both connect to the scheduler, which passes the bytes
// from one to the other. What they say to each other is the same as on a connection of their own (bulk/).

import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { SchedulerPlace } from "../tls/trust.ts";
import { FlockError, isFlockError, PROTOCOL_VERSION, relayKeyOf } from "../words/index.ts";
import { openSocket } from "./open-socket.ts";
import { DEFAULT_MAX_FRAME_BYTES } from "./scheduler-link.ts";
import { websockets } from "./websockets.ts";

const CONNECT_MS = 10_000;
/**
 * One end of a relay. `reader`: who wants to reach the worker of the address `id`; `holder`: that worker, with the number of the relay
 * that it was told. Rejects with FLOCK_CONNECTION_REFUSED.
 */
export async function openRelay(
  id: string,
  scheduler: SchedulerPlace | null,
  token: string,
  side: "reader" | "holder",
  signal?: AbortSignal,
): Promise<Duplex> {
  if (scheduler === null) {
    throw new FlockError("FLOCK_CONNECTION_REFUSED", `${id} is reached through a scheduler, and none is known here.`);
  }
  const key = side === "reader" ? relayKeyOf(id) : id;
  const { socket, takeOver } = await openSocket({
    address: scheduler.address,
    trust: scheduler.trust,
    hello: { t: "hello", role: "relay", protocol: PROTOCOL_VERSION, token, side, key },
    timeoutMs: CONNECT_MS,
    maxFrameBytes: DEFAULT_MAX_FRAME_BYTES,
    signal,
  }).catch((cause) => {
    if (!isFlockError(cause)) throw cause;
    throw new FlockError("FLOCK_CONNECTION_REFUSED", `The scheduler does not relay: ${cause.message}`, { cause });
  });
  return streamOf(socket, takeOver());
}

/** `early`: frames that have come already. */
export function streamOf(socket: WebSocket, early: readonly Buffer[] = []): Duplex {
  const stream = websockets().createWebSocketStream(socket);
  socket.once("close", () => {
    // While nobody reads, nobody would hear of the end.
    if (stream.readableFlowing === null) stream.destroy();
  });
  for (const frame of [...early].reverse()) stream.unshift(frame);
  return stream;
}
