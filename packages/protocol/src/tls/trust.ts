// Whose certificates are trusted, by who connects.

import { resolve } from "node:path";
import { parseAddress } from "../address.ts";

export interface Trust {
  /**
   * A file with the certificates of one or more CAs (PEM). Given: connections use TLS, and one of them must have signed the scheduler's
   * certificate. Read anew at each attempt. Null: TLS only where the address says wss://, and the CAs that Node trusts.
   */
  readonly caFile: string | null;
  /** For the process itself that shows a certificate: its fingerprint (SHA-256) now. No CA is asked then. */
  readonly own?: () => string;
}

/** A scheduler's address, and how it is known to be the right one. */
export interface SchedulerPlace {
  readonly address: string;
  readonly trust: Trust;
}

export const NO_CA: Trust = { caFile: null };

/** The trust of the option, else of TASKFLOCK_TLS_CA. False: no CA of one's own. */
export function readTrust(caFile: string | false | undefined): Trust {
  const file = caFile ?? process.env["TASKFLOCK_TLS_CA"];
  return file === false || file === undefined || file === "" ? NO_CA : { caFile: resolve(file) };
}

/** Throws FLOCK_ADDRESS_INVALID. */
export function usesTls(address: string, trust: Trust): boolean {
  return trust.caFile !== null || trust.own !== undefined || parseAddress(address).url.startsWith("wss:");
}
