// What all members of a group do together, as algorithms over messages between two of them.

import { FlockError } from "@taskflock/protocol/words";

/** A member's way to the others. */
export interface Peers {
  readonly rank: number;
  readonly size: number;
  send(rank: number, bytes: Uint8Array): Promise<void>;
  receive(rank: number): Promise<Uint8Array<ArrayBuffer>>;
}

export type Reduction = "sum" | "mean";

/**
 * The element-wise sum or mean of all members' arrays, the same bits for every member. Ring all-reduce: each array is cut into as many
 * segments as there are members. The segments go round once and are added up on their way (reduce-scatter), and go round again as they
 * are (all-gather), so that each member sends 2 (N − 1) / N of its array, however many there are (Patarasuk and Yuan, "Bandwidth optimal
 * all-reduce algorithms for clusters of workstations", 2009). Segment s is added up in the order of ranks s, s + 1, …, s − 1.
 */
export async function ringAllReduce(
  peers: Peers,
  values: Float32Array,
  how: Reduction,
): Promise<Float32Array<ArrayBuffer>> {
  const { rank, size } = peers;
  const result = new Float32Array(values);
  for (let step = 0; step < size - 1; step++) {
    const own = segmentOf(result, rank - step - 1, size);
    const coming = await exchange(peers, segmentOf(result, rank - step, size), own.length);
    for (let i = 0; i < own.length; i++) own[i] = coming[i]! + own[i]!;
  }
  if (how === "mean") divide(segmentOf(result, rank + 1, size), size);
  for (let step = 0; step < size - 1; step++) {
    const own = segmentOf(result, rank - step, size);
    own.set(await exchange(peers, segmentOf(result, rank - step + 1, size), own.length));
  }
  return result;
}

/** Resolves when all members have come so far: in ⌈log₂ N⌉ rounds each tells one that it is there, and hears of another. */
export async function barrier(peers: Peers): Promise<void> {
  const { rank, size } = peers;
  for (let step = 1; step < size; step *= 2) {
    await Promise.all([
      peers.send((rank + step) % size, new Uint8Array(0)),
      peers.receive((rank - step + size) % size),
    ]);
  }
}

/** The bytes of member `from`, for all; along a binomial tree, in ⌈log₂ N⌉ rounds. */
export async function broadcast(peers: Peers, given: Uint8Array | null, from: number): Promise<Uint8Array> {
  const { rank, size } = peers;
  const place = (rank - from + size) % size; // its place when `from` is the first
  let bytes = given;
  let step = 1;
  for (; step < size && (place & step) === 0; step *= 2);
  if (place !== 0) bytes = await peers.receive((from + place - step) % size);
  if (bytes === null) throw new FlockError("FLOCK_ARGUMENT_INVALID", "broadcast: the member that sends gives bytes.");
  const sends: Promise<void>[] = [];
  for (let next = step / 2; next >= 1; next /= 2) {
    if (place + next < size) sends.push(peers.send((from + place + next) % size, bytes));
  }
  await Promise.all(sends);
  return bytes;
}

/** Segment `index` (modulo their number); they differ by one element at most. */
function segmentOf(values: Float32Array<ArrayBuffer>, index: number, count: number): Float32Array<ArrayBuffer> {
  const segment = ((index % count) + count) % count;
  const bound = (i: number): number => Math.floor((i * values.length) / count);
  return values.subarray(bound(segment), bound(segment + 1));
}

/** Sends to the right, and receives from the left. */
async function exchange(
  { rank, size, send, receive }: Peers,
  out: Float32Array,
  length: number,
): Promise<Float32Array> {
  const bytes = new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
  const [coming] = await Promise.all([receive((rank - 1 + size) % size), send((rank + 1) % size, bytes)]);
  if (coming.length === 4 * length) return new Float32Array(coming.buffer);
  const text = `allReduce: the members' arrays differ in length: ${coming.length / 4} elements came where ${length} were due.`;
  throw new FlockError("FLOCK_ARGUMENT_INVALID", text);
}

function divide(values: Float32Array, by: number): void {
  for (let i = 0; i < values.length; i++) values[i] = values[i]! / by;
}
