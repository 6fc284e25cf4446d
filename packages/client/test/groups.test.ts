import { FlockError } from "@taskflock/protocol/words";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { barrier, broadcast, type Peers, ringAllReduce } from "../src/groups/collectives.ts";
import { Lane } from "../src/groups/lane.ts";

const terms = { partBytes: 16, windowBytes: 128, leastPartBytes: 8 };
const gone = new FlockError("FLOCK_GROUP_BROKEN", "gone");

interface Pair {
  readonly here: Lane;
  readonly there: Lane;
  /** Bytes that were sent and not yet credited, at most. */
  most(): number;
}

/** Two ends; what one posts reaches the other a turn later, as between threads. */
function pair(): Pair {
  let ahead = 0;
  let most = 0;
  const ends: Lane[] = [];
  const end = (own: 0 | 1): Lane =>
    new Lane(terms, {
      part: (length, bytes) => {
        ahead += own === 0 ? Math.max(terms.leastPartBytes, bytes.length) : 0;
        most = Math.max(most, ahead);
        queueMicrotask(() => ends[1 - own]!.onPart(length, bytes));
      },
      credit: (bytes) => {
        ahead -= own === 1 ? bytes : 0;
        queueMicrotask(() => ends[1 - own]!.onCredit(bytes));
      },
    });
  ends.push(end(0), end(1));
  return { here: ends[0]!, there: ends[1]!, most: () => most };
}

interface Ring {
  readonly peers: readonly Peers[];
  readonly sentBytes: readonly number[];
}

/** Members in one process, a lane between each two. */
function members(size: number): Ring {
  const lanes = new Map<string, Lane>();
  for (let a = 0; a < size; a++) {
    for (let b = a + 1; b < size; b++) {
      const { here, there } = pair();
      lanes.set(`${a} ${b}`, here).set(`${b} ${a}`, there);
    }
  }
  const sentBytes = new Array<number>(size).fill(0);
  const peers = Array.from({ length: size }, (_, rank): Peers => {
    return {
      rank,
      size,
      send: (to, bytes) => {
        sentBytes[rank]! += bytes.length;
        return lanes.get(`${rank} ${to}`)!.send(bytes);
      },
      receive: (from) => lanes.get(`${rank} ${from}`)!.receive(),
    };
  });
  return { peers, sentBytes };
}

const floats = fc.float({ noNaN: true, min: Math.fround(-1e3), max: Math.fround(1e3) });

describe("a lane", () => {
  test("carries messages of any length whole and in order, however they are cut, never more ahead than its window", async () => {
    const lengths = fc.array(fc.nat(300), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(lengths, async (sizes) => {
        const { here, there, most } = pair();
        const messages = sizes.map((size, i) => new Uint8Array(size).fill(i + 1));
        const sending = Promise.all(messages.map((message) => here.send(message)));
        const received: Uint8Array[] = [];
        for (const _ of messages) received.push(await there.receive());
        await sending;
        expect(received).toEqual(messages);
        expect(most()).toBeLessThanOrEqual(terms.windowBytes);
        expect([here.sentBytes, there.receivedBytes]).toEqual([here.sentBytes, here.sentBytes]);
      }),
      { numRuns: 60 },
    );
  });

  test("does not send what the other end has no room for, until it receives", async () => {
    const { here, there } = pair();
    let sent = false;
    const sending = here.send(new Uint8Array(1000).fill(7)).then(() => {
      sent = true;
    });
    await new Promise(setImmediate);
    expect(sent).toBe(false);
    expect(await there.receive()).toEqual(new Uint8Array(1000).fill(7));
    await sending;
  });

  test("gives messages memory of their own, so that other arrays can lie over it", async () => {
    const { here, there } = pair();
    there.onPart(8, Buffer.from(new Float32Array([1, 2]).buffer));
    const view = new Uint8Array(12).subarray(3, 11);
    there.onPart(8, view);
    expect(new Float32Array((await there.receive()).buffer)).toEqual(new Float32Array([1, 2]));
    expect((await there.receive()).buffer.byteLength).toBe(8);
    expect(here.sentBytes).toBe(0);
  });

  test("that ends at once fails what waits, and what lies there", async () => {
    const { here, there } = pair();
    await here.send(new Uint8Array(3));
    const full = here.send(new Uint8Array(1000));
    const ends = [expect(full).rejects.toBe(gone), expect(there.receive()).resolves.toHaveLength(3)];
    await ends[1];
    there.end(gone, true);
    here.end(gone, true);
    await Promise.all(ends);
    await expect(there.receive()).rejects.toBe(gone);
    await expect(here.send(new Uint8Array(1))).rejects.toBe(gone);
  });

  test("that ends in order gives first what has come", async () => {
    const { here, there } = pair();
    await here.send(new Uint8Array([1]));
    await here.send(new Uint8Array([2]));
    await new Promise(setImmediate);
    there.end(gone, false);
    expect(await there.receive()).toEqual(new Uint8Array([1]));
    expect(await there.receive()).toEqual(new Uint8Array([2]));
    await expect(there.receive()).rejects.toBe(gone);
    await expect(there.send(new Uint8Array(1))).rejects.toBe(gone);
  });
});

describe("ring all-reduce", () => {
  const arrays = fc
    .tuple(fc.integer({ min: 1, max: 7 }), fc.nat(40))
    .chain(([size, length]) =>
      fc.array(fc.array(floats, { minLength: length, maxLength: length }), { minLength: size, maxLength: size }),
    );

  test("adds in an order that ranks and lengths decide, with the same bits everywhere", async () => {
    await fc.assert(
      fc.asyncProperty(arrays, async (given) => {
        const values = given.map((array) => Float32Array.from(array));
        const { peers } = members(values.length);
        const sums = await Promise.all(peers.map((peer) => ringAllReduce(peer, values[peer.rank]!, "sum")));
        for (const sum of sums) expect(sum).toEqual(inRingOrder(values));
        expect(values).toEqual(given.map((array) => Float32Array.from(array)));
      }),
      { numRuns: 80 },
    );
  });

  /** Segment s begins with member s. */
  function inRingOrder(values: readonly Float32Array[]): Float32Array {
    const size = values.length;
    const { length } = values[0]!;
    const result = new Float32Array(length);
    for (let segment = 0; segment < size; segment++) {
      for (let i = Math.floor((segment * length) / size); i < Math.floor(((segment + 1) * length) / size); i++) {
        let sum = values[segment]![i]!;
        for (let step = 1; step < size; step++) sum = Math.fround(sum + values[(segment + step) % size]![i]!);
        result[i] = sum;
      }
    }
    return result;
  }

  test("divides the sum for the mean", async () => {
    const { peers } = members(4);
    const means = await Promise.all(
      peers.map((peer) => ringAllReduce(peer, new Float32Array([peer.rank, 8, -peer.rank]), "mean")),
    );
    for (const mean of means) expect(mean).toEqual(new Float32Array([1.5, 8, -1.5]));
  });

  test.each([
    [1, 1000],
    [2, 1000],
    [3, 1000],
    [4, 1001],
    [7, 5],
    [5, 0],
  ])("of %i members and %i numbers sends 2 (N − 1) / N of the bytes per member", async (size, length) => {
    const { peers, sentBytes } = members(size);
    await Promise.all(peers.map((peer) => ringAllReduce(peer, new Float32Array(length), "sum")));
    const all = 4 * length;
    expect(sentBytes.reduce((total, bytes) => total + bytes, 0)).toBe(2 * (size - 1) * all);
    // Segments differ by one number, of which a member sends 2 (N − 1).
    for (const bytes of sentBytes) {
      expect(Math.abs(bytes - (2 * (size - 1) * all) / size)).toBeLessThanOrEqual(2 * (size - 1) * 4);
    }
  });

  test("refuses arrays that differ in length", async () => {
    const { peers } = members(2);
    const both = peers.map((peer) => ringAllReduce(peer, new Float32Array(10 + peer.rank * 4), "sum"));
    const [one, other] = await Promise.allSettled(both);
    for (const end of [one, other]) {
      expect(end).toMatchObject({ status: "rejected", reason: { code: "FLOCK_ARGUMENT_INVALID" } });
    }
  });
});

test("a barrier lets nobody through before all have come", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 9 }), fc.nat(), async (size, number) => {
      const { peers } = members(size);
      const late = number % size;
      let through = 0;
      const others = peers
        .filter(({ rank }) => rank !== late)
        .map(async (peer) => {
          await barrier(peer);
          through++;
        });
      await new Promise(setImmediate);
      expect(through).toBe(0);
      await Promise.all([...others, barrier(peers[late]!)]);
      expect(through).toBe(size - 1);
    }),
    { numRuns: 20 },
  );
});

test("a broadcast gives all members the same bytes, each of them once", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 9 }),
      fc.nat(),
      fc.uint8Array({ maxLength: 100 }),
      async (size, n, bytes) => {
        const { peers, sentBytes } = members(size);
        const from = n % size;
        const got = await Promise.all(peers.map((peer) => broadcast(peer, peer.rank === from ? bytes : null, from)));
        for (const each of got) expect(each).toEqual(bytes);
        expect(sentBytes.reduce((total, sent) => total + sent, 0)).toBe((size - 1) * bytes.length);
      },
    ),
    { numRuns: 40 },
  );
});
