// Addresses of workers that are reached through the scheduler (link/relay-stream.ts).

const PREFIX = "relay:";

/** `key` is what the scheduler gave the worker: nobody guesses it. */
export function relayedAddress(key: string): string {
  return PREFIX + key;
}

export function isRelayed(address: string): boolean {
  return address.startsWith(PREFIX);
}

/** The key in a relayed address. */
export function relayKeyOf(address: string): string {
  return address.slice(PREFIX.length);
}

/**
 * Why bytes could not be got. `gone`: the holder was there, and did not give them. `unreachable`: nobody was there, which says nothing
 * about what it holds. `relay`: nobody was there by way of the scheduler, either.
 */
export type WhyMissing = "gone" | "unreachable" | "relay";
