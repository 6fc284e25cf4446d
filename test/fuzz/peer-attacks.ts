// A worker's peer port: transfers that are asked for wrongly, uploads that nobody announced, channels to nobody, rubbish.

import { connect } from "node:net";
import { bulkFrame, numbersBody, OP } from "../../packages/protocol/src/bulk/bulk-frames.ts";
import { encodeHandshake } from "../../packages/protocol/src/link/handshake.ts";
import { type Hello, PROTOCOL_VERSION } from "../../packages/protocol/src/words/index.ts";
import type { Arena, Attack } from "./attack.ts";
import { mutateBytes } from "./mutate.ts";

const PATIENCE_MS = 20_000;
const OPS = Object.values(OP);

export const peerAttack: Attack = (arena) => {
  const { random, ports, tally } = arena;
  const frames = framesFor(arena);
  tally.connections++;
  tally.sent += frames.length;
  return new Promise((resolve) => {
    const socket = connect(ports.peer, "127.0.0.1");
    const timer = setTimeout(() => {
      tally.problem("stuck: a peer port does not end a connection that said rubbish, and then ended");
      socket.destroy();
    }, PATIENCE_MS);
    let bytes = 0;
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    socket.on("close", () => {
      clearTimeout(timer);
      tally.judged += frames.length;
      tally.count(`peer port: ${bytes > 0 ? "answered" : "closed"}`);
      resolve();
    });
    const all = Buffer.concat(frames);
    socket.end(random.oneIn(10) ? all.subarray(0, random.below(all.length)) : all);
  });
};

function framesFor(arena: Arena): Buffer[] {
  const { random, ports, known } = arena;
  const hello = { t: "hello", role: "peer", protocol: PROTOCOL_VERSION, token: ports.peerKey, name: "fuzz" };
  const first = bulkFrame(OP.hello, encodeHandshake(hello as Hello));
  if (random.oneIn(6)) return [mutateBytes(random, first, first)];
  const number = (): number =>
    random.pick([0, 1, 7, random.pick(known.tasks) ?? 3, 2 ** 31, 2 ** 47, 2 ** 53 - 1, -1, 0.5, Number.NaN]);
  const frames = [first];
  for (let i = random.between(1, 6); i > 0; i--) {
    const right = random.pick([
      () => bulkFrame(OP.get, numbersBody(number(), number(), number(), number(), number())),
      () => bulkFrame(OP.put, numbersBody(number(), number())),
      () => bulkFrame(OP.channel, random.bytes(random.pick([0, 8, 60, 4_096]))),
      () => bulkFrame(random.pick(OPS), random.bytes(random.pick([0, 8, 40]))),
      () => bulkFrame(OP.channel, encodeHandshake(hello as Hello).subarray(1)),
    ])();
    frames.push(random.oneIn(3) ? mutateBytes(random, right, first) : right);
  }
  return frames;
}
