// Strangers: first frames that are wrong, of every role; tokens that are wrong; things said too early; relays that nobody asked for.

import { encodeHandshake } from "../../packages/protocol/src/link/handshake.ts";
import { type Hello, PROTOCOL_VERSION } from "../../packages/protocol/src/words/index.ts";
import type { Arena, Attack } from "./attack.ts";
import { validFrame } from "./frames.ts";
import { mutateBytes, mutateRow } from "./mutate.ts";
import { helloFields, type Row } from "./samples.ts";
import { type Heard, type Script, talk } from "./talk.ts";
import { clientFrame, upgradeRequest, wireRubbish } from "./wire.ts";

const ROLES = Object.keys(helloFields());

export const helloAttack: Attack = async (arena) => {
  const { random, ports } = arena;
  const role = random.pick(ROLES);
  const good = rightHello(arena, role);
  const request = upgradeRequest(ports.scheduler);
  const frames = Buffer.concat(firstFrames(arena, good));
  const all = Buffer.concat([request, frames]);
  // Half of it, and then the end.
  const script: Script = {
    opening: random.oneIn(10) ? all.subarray(0, random.below(all.length)) : all,
    last: () => Buffer.alloc(0),
  };
  const isCut = script.opening.length < all.length;
  const from = arena.stranger();
  const heard = await talk(from === undefined ? { port: ports.scheduler } : { port: ports.scheduler, from }, {
    ...script,
    isOver: (one) => one.welcome !== null,
    leavesAfterMs: 250,
  });
  judge(arena, role, heard, isCut);
};

function rightHello({ samples, ports, known, random }: Arena, role: string): Row {
  samples.pools = known;
  const token = role === "relay" && random.oneIn(2) ? ports.peerKey : ports.token;
  return {
    ...samples.hello(role),
    protocol: PROTOCOL_VERSION,
    token,
    ...("resume" in samples.hello(role) ? { resume: null } : {}),
  };
}

function firstFrames(arena: Arena, good: Row): Buffer[] {
  const { random } = arena;
  const right = encodeHandshake(good as unknown as Hello);
  const isOpen = good["role"] === "relay"; // anything may be said on a relay that is open
  switch (random.below(9)) {
    case 0:
    case 1:
      return [clientFrame(mutateBytes(random, right, right))];
    case 2:
    case 3:
      return [clientFrame(encodeHandshake(mutateRow(random, good) as unknown as Hello))];
    case 4:
      return [
        clientFrame(encodeHandshake({ ...good, protocol: random.pick([0, 5, 7, 2 ** 31, -1]) } as unknown as Hello)),
      ];
    case 5: {
      const token = random.pick(["", "wrong", "x".repeat(512), `${good["token"]} `, "a:b", "\u0000"]);
      const wrong = arena.stranger() === undefined ? good : { ...good, token };
      return [clientFrame(encodeHandshake(wrong as unknown as Hello))];
    }
    case 6:
      return [clientFrame(validFrame("client", 1, [{ t: "release", n: 1 }])), clientFrame(right)]; // work before the hello
    case 7:
      return isOpen ? [clientFrame(right)] : [clientFrame(right), clientFrame(right)]; // more before the welcome
    default:
      return [
        random.oneIn(2) ? wireRubbish(random, right) : clientFrame(random.bytes(random.pick([0, 1, 50, 4_090, 5_000]))),
      ];
  }
}

function judge({ tally }: Arena, role: string, heard: Heard, isCut: boolean): void {
  tally.connections++;
  tally.sent++;
  tally.judged++;
  tally.count(`hello of a ${role}: ${isCut ? "cut" : heard.welcome === null ? heard.refused || "closed" : "welcome"}`);
  if (heard.isStuck)
    tally.problem(`stuck: hello of a ${role}: ${JSON.stringify({ ...heard, welcome: heard.welcome?.id })}`);
}

/** A relay that the steady worker serves, or nobody: bytes that are no transfer, or half of one. */
export const relayAttack: Attack = async (arena) => {
  const { random, ports, tally } = arena;
  const hello = { ...rightHello(arena, "relay"), key: random.pick(["", "x", "constructor", "k".repeat(128)]) };
  const heard = await talk(
    { port: ports.scheduler },
    {
      opening: Buffer.concat([
        upgradeRequest(ports.scheduler),
        clientFrame(encodeHandshake(hello as unknown as Hello)),
      ]),
      welcomed: () => [clientFrame(random.bytes(random.pick([0, 1, 3_000])))],
    },
  );
  tally.connections++;
  tally.sent += 2;
  tally.judged += 2;
  tally.count(`relay: ${heard.refused || "over"}`);
  if (heard.isStuck) tally.problem(`stuck: relay: ${JSON.stringify({ ...heard, welcome: heard.welcome?.id })}`);
};
