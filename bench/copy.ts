// What the machine allows for moving data: bytes from one process to another over a bare socket of the loopback, into one buffer that
// is used again. `node copy.mjs sender | receiver PORT`.

import { type AddressInfo, connect, createServer } from "node:net";

const [, , role = "", port = ""] = process.argv;
const CHUNK = 1024 * 1024;

/** Sends as many bytes as it is asked for. */
function send(): void {
  const chunk = Buffer.alloc(CHUNK, 7);
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("data", (order) => {
      let left = Number(order.toString());
      const go = (): void => {
        let room = true;
        while (left > 0 && room) {
          const part = left < CHUNK ? chunk.subarray(0, left) : chunk;
          left -= part.length;
          room = socket.write(part);
        }
        if (left > 0) socket.once("drain", go);
      };
      go();
    });
  });
  server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
}

/** Asks for bytes, and says how long they took. */
function receive(): void {
  let left = 0;
  let done: () => void = () => undefined;
  const onread = {
    buffer: Buffer.alloc(CHUNK),
    callback: (bytes: number) => {
      left -= bytes;
      if (left === 0) done();
      return true;
    },
  };
  const socket = connect({ port: Number(port), host: "127.0.0.1", noDelay: true, onread }, () => {
    process.send?.({ ready: true });
  });
  process.on("message", ({ bytes }: { readonly bytes: number }) => {
    const started = performance.now();
    left = bytes;
    done = () => process.send?.({ mbPerSecond: bytes / 1e6 / ((performance.now() - started) / 1000) });
    socket.write(String(bytes));
  });
}

if (role === "sender") send();
else receive();
// It ends with the process that started it.
process.on("disconnect", () => process.exit());
