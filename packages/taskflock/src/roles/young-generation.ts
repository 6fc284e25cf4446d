// Room for young objects. V8 begins with 1 MiB of it and adds some only as objects survive; here nearly all die at once, so it would stay
// small: a scheduler that serves one call after the other would stop for half a millisecond every 60 calls. Flags of Node could say how much
// there is to be, but a process that is given flags loads its own code more slowly (docs/architecture.md).

import { getHeapSpaceStatistics } from "node:v8";

/** Both halves of it together, bytes: about this much is there afterwards. */
const WANTED_BYTES = 8 * 1024 * 1024;
/** Objects that survive, half as many bytes as are wanted. Each is an array of so many elements. */
const ELEMENTS = 62;
const SURVIVOR_BYTES: number = 16 + 8 + 8 * ELEMENTS;
/** A start is not held up by it. */
const FIRST_MS = 500;
/** V8 takes it back from a process that rests. */
const AGAIN_MS = 10_000;

/** Sees to it while the process lives; keeps nothing alive. */
export function keepYoungGeneration(): void {
  setTimeout(growYoungGeneration, FIRST_MS).unref();
  setInterval(growYoungGeneration, AGAIN_MS).unref();
}

/** Some milliseconds, where there is not enough of it. Returns its size, bytes. */
export function growYoungGeneration(): number {
  if (youngBytes() < WANTED_BYTES) survive(WANTED_BYTES / 2);
  return youngBytes();
}

function survive(bytes: number): number {
  const survivors: number[][] = [];
  for (let made = 0; made < bytes; made += SURVIVOR_BYTES) survivors.push(new Array<number>(ELEMENTS).fill(0));
  return survivors.length;
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space")?.space_size ?? 0;
}
