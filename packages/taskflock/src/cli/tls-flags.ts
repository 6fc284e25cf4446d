// What says whose certificates are trusted, and which one is shown.

import type { Flag } from "./flag-table.ts";

/** The file with the CA that is trusted for the scheduler. */
export const trustFlag: Flag = {
  flags: "--tls-ca <file>",
  description:
    "use TLS; file with the CA (or several, PEM) that signed the scheduler's certificate, read anew at each attempt to connect (default: TLS for wss:// only, by CAs that Node trusts)",
  variable: "TLS_CA",
};

/** Of what others connect to. */
export const certificateFlags: readonly Flag[] = [
  {
    flags: "--tls-cert <file>",
    description:
      "TLS: file with the certificate (PEM, as of `taskflock certs init`); taken anew when it changes, and at SIGHUP (default: plain text)",
    variable: "TLS_CERT",
  },
  { flags: "--tls-key <file>", description: "file with the certificate's private key (PEM)", variable: "TLS_KEY" },
];
