// Channels over real sockets: a server's end, and a client's.
import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { bulkFrame, CHANNEL_OP, chunkHeader, numbersBody, OP } from "../src/bulk/bulk-frames.ts";
import { encodeChannelRequest } from "../src/bulk/channel.ts";
import { CRC32, knownChecksums } from "../src/bulk/checksums.ts";
import {
  BulkClient,
  BulkServer,
  CHANNEL_PART_BYTES,
  CHANNEL_WINDOW_BYTES,
  type Channel,
  type ChannelEvents,
  type ChannelRequest,
  PROTOCOL_VERSION,
} from "../src/index.ts";
import { encodeHandshake } from "../src/link/handshake.ts";
import { Log, TOKEN } from "./link-fixture.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const request: ChannelRequest = { from: 1, member: "m", size: 2 };

/** One end: what comes there, as lines and bytes. */
class End {
  readonly log: Log<string> = new Log();
  readonly parts: Uint8Array[] = [];
  channel!: Channel;

  accept = (channel: Channel): ChannelEvents => {
    this.channel = channel;
    return {
      part: (lane, length, bytes) => {
        this.parts.push(bytes);
        this.log.add(`part ${lane} ${length} ${bytes.length}`);
      },
      credit: (lane, bytes) => this.log.add(`credit ${lane} ${bytes}`),
      left: (broken) => this.log.add(`left ${JSON.stringify(broken)}`),
      lost: (why) => this.log.add(`lost: ${why}`),
    };
  };
}

async function serve(end: End, why: string | null = null): Promise<BulkServer> {
  const server = await BulkServer.listen({
    ...{ host: "127.0.0.1", port: 0, key: () => TOKEN },
    open: () => null,
    accept: () => null,
    channel: (asked) => (why !== null ? why : asked.member === "m" ? end.accept : "The member is not here."),
  });
  cleanups.push(() => server.close());
  return server;
}

function client(): BulkClient {
  const made = new BulkClient({ key: () => TOKEN });
  cleanups.push(() => made.close());
  return made;
}

async function open(): Promise<{ here: End; there: End; server: BulkServer; own: BulkClient }> {
  const [here, there] = [new End(), new End()];
  const server = await serve(there);
  const own = client();
  await own.openChannel(`127.0.0.1:${server.port}`, request, here.accept);
  return { here, there, server, own };
}

describe("a channel", () => {
  test("carries parts of both lanes, both ways, in memory of their own", async () => {
    const { here, there } = await open();
    const large = new Uint8Array(CHANNEL_PART_BYTES).map((_, i) => i);
    here.channel.send(0, large.length + 3, large);
    here.channel.send(1, 0, new Uint8Array(0));
    here.channel.send(0, -1, large.subarray(7, 10));
    there.channel.send(1, 2, new Uint8Array([1, 2]));
    await Promise.all([there.log.count(3), here.log.count(1)]);
    expect(there.log.entries).toEqual([`part 0 ${large.length + 3} ${large.length}`, "part 1 0 0", "part 0 -1 3"]);
    expect(there.parts[0]).toEqual(large);
    expect(there.parts[2]).toEqual(large.slice(7, 10));
    expect(there.parts[2]!.buffer.byteLength).toBe(3);
    there.channel.credit(0, large.length);
    await here.log.count(2);
    expect(here.log.entries).toEqual(["part 1 2 2", `credit 0 ${large.length}`]);
  });

  test("is left in order: what was sent before still arrives", async () => {
    const { here, there } = await open();
    here.channel.send(0, 1, new Uint8Array([9]));
    here.channel.leave(null);
    there.channel.send(0, 1, new Uint8Array([8])); // nobody waits for it any more
    await there.log.count(2);
    expect(there.log.entries).toEqual(["part 0 1 1", "left null"]);
    expect(here.log.entries).toEqual([]);
  });

  test("says who broke the group", async () => {
    const { here, there } = await open();
    there.channel.leave({ rank: 4, why: "was cancelled" });
    await here.log.count(1);
    expect(here.log.entries).toEqual(['left {"rank":4,"why":"was cancelled"}']);
  });

  test.each(["the client", "the server"])("tells the other end when %s is gone without a word", async (who) => {
    const { here, there, server, own } = await open();
    if (who === "the client") own.close();
    else await server.close();
    const end = who === "the client" ? there : here;
    await end.log.count(1);
    expect(end.log.entries).toEqual(["lost: the connection to it ended"]);
  });

  test("is refused where the member is not, or is not to be reached", async () => {
    const server = await serve(new End());
    const asked = client().openChannel(`127.0.0.1:${server.port}`, { ...request, member: "x" }, new End().accept);
    await expect(asked).rejects.toMatchObject({ code: "FLOCK_TASK_UNKNOWN", message: "The member is not here." });
    await server.close();
    const late = client().openChannel(`127.0.0.1:${server.port}`, request, new End().accept);
    await expect(late).rejects.toMatchObject({ code: "FLOCK_CONNECTION_REFUSED" });
  });
});

describe("the serving end of a channel", () => {
  /** What a peer sends that does not keep to the protocol; resolves when it was cut off. */
  async function cutOff(
    frames: readonly Buffer[],
    body = encodeChannelRequest(request, knownChecksums()),
  ): Promise<End> {
    const end = new End();
    const server = await serve(end);
    const socket = connect(server.port, "127.0.0.1");
    const hello = { t: "hello", role: "peer", protocol: PROTOCOL_VERSION, token: TOKEN, name: "p" } as const;
    socket.write(Buffer.concat([bulkFrame(OP.hello, encodeHandshake(hello)), bulkFrame(OP.channel, body), ...frames]));
    socket.resume();
    await once(socket, "close");
    return end;
  }

  const part = (lane: number, next: number): Buffer => bulkFrame(CHANNEL_OP.part, numbersBody(lane, next));
  const chunk = (bytes: Uint8Array): Buffer => Buffer.concat([chunkHeader(CRC32, bytes), bytes]);

  test.each([
    ["an unknown operation", [bulkFrame(99, Buffer.alloc(0))]],
    ["an unknown lane", [part(2, 1)]],
    ["a chunk that was not announced", [chunk(new Uint8Array(3))]],
    ["two announcements", [part(0, 5), part(0, 5)]],
    ["a further part of no message", [part(0, 0), chunk(new Uint8Array(3))]],
    ["a part that is longer than its message", [part(0, 1 + 2), chunk(new Uint8Array(3))]],
    ["a message that nobody has room for", [part(0, 2 ** 53 - 1), chunk(new Uint8Array(3))]],
    ["a last word that cannot be read", [bulkFrame(CHANNEL_OP.left, Buffer.from("{"))]],
    ["a last word that names nobody", [bulkFrame(CHANNEL_OP.left, Buffer.from("{}"))]],
    ["a result that is asked for", [bulkFrame(OP.get, numbersBody(1, 1, 0, 0, 0))]],
  ])("cuts off %s", async (_, frames) => {
    expect((await cutOff(frames)).log.entries).toEqual(["lost: the connection to it ended"]);
  });

  test.each(["{", "[]", '{"from":-1,"member":"m","size":1,"kinds":1}', '{"from":0,"size":1,"kinds":1}'])(
    "cuts off a request such as %s",
    async (body) => {
      expect((await cutOff([], Buffer.from(body))).log.entries).toEqual([]);
    },
  );

  test.each([
    ["one that is not whole", [part(0, 1 + 9), chunk(new Uint8Array(3)), part(0, 1 + 9), chunk(new Uint8Array(3))]],
    ["one, with more than is due", [part(1, 1 + 4), chunk(new Uint8Array(3)), part(1, 0), chunk(new Uint8Array(3))]],
  ])("cuts off a message after %s", async (_, frames) => {
    const { parts: came, log } = await cutOff(frames);
    expect(came).toHaveLength(1);
    expect(log.entries.at(-1)).toContain("lost");
  });

  test("cuts off who sends more than the window holds", async () => {
    const bytes = new Uint8Array(CHANNEL_PART_BYTES);
    const parts = CHANNEL_WINDOW_BYTES / CHANNEL_PART_BYTES;
    const next = (i: number): number => (i === 0 ? 1 + (parts + 1) * bytes.length : 0);
    const frames = Array.from({ length: parts + 1 }, (_, i) => [part(0, next(i)), chunk(bytes)]).flat();
    const { parts: came, log } = await cutOff(frames);
    expect(came).toHaveLength(parts);
    expect(log.entries.at(-1)).toContain("lost");
  });
});
