// The certificate that a scheduler shows: read by whoever connects, before it is known whether to trust it.

import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { connect } from "node:tls";
import { parseAddress } from "@taskflock/protocol/links";

const ANSWER_MS = 5_000;

/** Null when none is shown: nobody answers, or in plain text. Nothing is sent over the connection. */
export function shownCertificate(address: string): Promise<X509Certificate | null> {
  const { host, port } = parseAddress(address);
  return new Promise((resolve) => {
    const servername = isIP(host) === 0 ? { servername: host } : {};
    const socket = connect({ host, port, ...servername, rejectUnauthorized: false, timeout: ANSWER_MS });
    const end = (certificate: X509Certificate | null): void => {
      socket.destroy();
      resolve(certificate);
    };
    socket.on("secureConnect", () => {
      const shown = socket.getPeerX509Certificate();
      end(shown === undefined ? null : new X509Certificate(shown.raw));
    });
    for (const event of ["error", "timeout", "close"]) socket.on(event, () => end(null));
  });
}
