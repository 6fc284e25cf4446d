// TLS between workers, and from clients to workers. They have no certificates: all who may fetch data have the key that the scheduler
// told them in its welcome, and TLS takes that as what both ends know (a pre-shared key).

import { createHash } from "node:crypto";
import type { ConnectionOptions, Server, TLSSocket, TlsOptions } from "node:tls";
import { nodeTls } from "./node-tls.ts";

const SHAKE_HANDS_MS = 5_000;
const PEER_TLS = {
  minVersion: "TLSv1.3",
  ciphers: "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384",
} as const satisfies TlsOptions;
const IDENTITY = "taskflock-peer";

/** Who knows the key, and nobody else: a certificate is worth nothing here, whoever signed it. */
export function peerTlsOptions(key: string): ConnectionOptions {
  return {
    ...PEER_TLS,
    ca: [],
    rejectUnauthorized: true,
    pskCallback: () => ({ psk: secretOf(key), identity: IDENTITY }),
    checkServerIdentity: (_host, certificate) =>
      Object.keys(certificate ?? {}).length === 0 ? undefined : new Error("it shows a certificate, and not the key"),
  };
}

/** Takes connections by `emit("connection", socket)`. `key` empty: nobody gets in. */
export function newPeerTls(key: () => string, accept: (socket: TLSSocket) => void): Server {
  const server = nodeTls().createServer({
    ...PEER_TLS,
    handshakeTimeout: SHAKE_HANDS_MS,
    pskCallback: () => (key() === "" ? null : secretOf(key())),
  });
  server.on("secureConnection", accept);
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  return server;
}

/** The peers' key itself is shown inside; what TLS works with is made of it. */
function secretOf(key: string): Buffer {
  return createHash("sha256").update(`taskflock peers: ${key}`).digest();
}
