// Peers that say nothing, and peers that take nothing: others do not pay for them.

import { type AddressInfo, connect, createServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import { bulkFrame, numbersBody, OP } from "../src/bulk/bulk-frames.ts";
import { BulkClient, BulkServer, isFlockError, PROTOCOL_VERSION, type TaskId } from "../src/index.ts";
import { encodeHandshake } from "../src/link/handshake.ts";
import { TOKEN } from "./link-fixture.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const id = (n: number): TaskId => n as TaskId;
const room = (bytes: number): Uint8Array => new Uint8Array(bytes);

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.catch((thrown: unknown) => thrown);
  if (isFlockError(error)) return error.code;
  throw new Error(`it did not fail with a code, but with ${String(error)}`);
}

test("a peer that stops reading is cut off: what it was sent is let go of", async () => {
  const bytes = new Uint8Array(64 * 1024 * 1024);
  let release: () => void = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const server = await BulkServer.listen({
    ...{ host: "127.0.0.1", port: 0, key: () => TOKEN, stallMs: 100 },
    open: () => ({ bytes, release }),
    accept: () => null,
  });
  cleanups.push(() => server.close());
  const socket = connect(server.port, "127.0.0.1");
  socket.on("error", () => undefined);
  const hello = { t: "hello", role: "peer", protocol: PROTOCOL_VERSION, token: TOKEN, name: "stuck" } as const;
  socket.write(bulkFrame(OP.hello, encodeHandshake(hello)));
  socket.write(bulkFrame(OP.get, numbersBody(1, 1, 0, 0, 0)));
  await released;
  socket.destroy();
});

test("what is not wanted any more does not wait for its place", async () => {
  const server = createServer((socket) => socket.on("error", () => undefined)); // it accepts, and says nothing
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  cleanups.push(() => server.close());
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new BulkClient({ key: () => TOKEN, maxPerPeer: 1 });
  cleanups.push(() => client.close());
  const holding = codeOf(client.fetch(address, id(1), room));
  const controller = new AbortController();
  const waiting = codeOf(client.fetch(address, id(2), room, controller.signal));
  controller.abort();
  expect(await waiting).toBe("FLOCK_CANCELLED");
  expect(await codeOf(client.fetch(address, id(2), room, controller.signal))).toBe("FLOCK_CANCELLED");
  client.close();
  expect(await holding).toBe("FLOCK_CLOSED");
});
