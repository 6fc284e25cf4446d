// Whom the scheduler's certificate is for.

import { isIP, isIPv6 } from "node:net";
import { FlockError } from "@taskflock/protocol/words";

/** In every certificate of a scheduler, so that one whose address changes needs no new certificate: those who have its CA look for it. */
export const SCHEDULER_NAME = "scheduler.taskflock";

const ALWAYS = [SCHEDULER_NAME, "localhost", "127.0.0.1", "::1"] as const;

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** With those that every certificate has, each once, in one spelling. Throws FLOCK_OPTION_INVALID. */
export function allNames(hosts: readonly string[]): string[] {
  return [...new Set([...ALWAYS, ...hosts.map(oneSpelling)])];
}

function oneSpelling(host: string): string {
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  if (isIPv6(bare)) return new URL(`http://[${bare}]`).hostname.slice(1, -1);
  if (isIP(bare) !== 0) return bare;
  const name = host.toLowerCase().replace(/\.$/, "");
  const labels = name.replace(/^\*\./, "").split(".");
  // The last label of an address that was misspelt, such as 10.0.0.256, is a number.
  if (name.length > 253 || !labels.every((label) => LABEL.test(label)) || /^\d+$/.test(labels.at(-1) ?? ""))
    throw new FlockError(
      "FLOCK_OPTION_INVALID",
      `"${host}" is neither a host's name nor an address: give --host flock.example.org or --host 10.0.0.7, without port and scheme.`,
    );
  return name;
}

export function isAddress(name: string): boolean {
  return isIP(name) !== 0;
}
