// One connection to the scheduler's port, from the request to its end, and what was heard on it.

import { connect, type Socket } from "node:net";
import { decodeAnswer, encodeHandshake, isHandshake } from "../../packages/protocol/src/link/handshake.ts";
import { FlockError, type Hello, type Welcome } from "../../packages/protocol/src/words/index.ts";
import { clientFrame, Incoming, OPCODE, upgradeRequest } from "./wire.ts";

const PATIENCE_MS = 20_000;

export interface Target {
  readonly port: number;
  /** Whose address counts where attempts are counted; Linux gives a whole network to the loopback. */
  readonly from?: string | undefined;
}

export interface Heard {
  /** First line of the answer to the request, or "". */
  status: string;
  welcome: Welcome | null;
  /** Code of the error that it was refused with, or "". */
  refused: string;
  closeCode: number;
  /** The last of our frames that was processed, as far as was said. */
  acked: number;
  /** Nothing ended it in time. */
  isStuck: boolean;
}

export interface Script {
  /** First bytes; the default is the request and a hello. */
  readonly opening: Buffer;
  /** Called once with the welcome; what it gives is sent, piece by piece. */
  welcomed?(welcome: Welcome): readonly Buffer[];
  /** Each frame of messages that comes; what it gives is sent. */
  heard?(frame: Buffer): Buffer | null;
  /** Whether enough was heard: then this end closes. */
  isOver?(heard: Heard): boolean;
  /** What is sent before this end closes. */
  readonly last?: () => Buffer;
  /** This end does not read. */
  readonly isDeaf?: boolean;
  /** What was sent need not end the connection (half a frame): this end does, so long after the welcome if there is to be one, milliseconds. */
  readonly leavesAfterMs?: number;
}

export function opening(port: number, hello: object): Buffer {
  return Buffer.concat([upgradeRequest(port), clientFrame(encodeHandshake(hello as Hello))]);
}

/** Never rejects: what the other end does is told. */
export function talk(target: Target, script: Script): Promise<Heard> {
  const heard: Heard = { status: "", welcome: null, refused: "", closeCode: 0, acked: 0, isStuck: false };
  return new Promise((resolve) => {
    const socket = connect({
      host: "127.0.0.1",
      port: target.port,
      ...(target.from === undefined ? {} : { localAddress: target.from }),
    });
    const timer = setTimeout(() => {
      heard.isStuck = true;
      socket.destroy();
    }, PATIENCE_MS);
    const incoming = new Incoming((opcode, payload) => take(socket, heard, script, opcode, payload));
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.on("data", (bytes: Buffer) => {
      incoming.add(bytes);
      heard.status = incoming.status;
      if (script.isOver?.(heard) === true) leave(socket, script);
    });
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(heard);
    });
    socket.write(script.opening);
    const { leavesAfterMs } = script;
    if (leavesAfterMs !== undefined && script.welcomed === undefined) leaveAfter(socket, leavesAfterMs);
  });
}

function take(socket: Socket, heard: Heard, script: Script, opcode: number, payload: Buffer): void {
  if (opcode === OPCODE.close) {
    heard.closeCode = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
    socket.end();
  } else if (opcode === OPCODE.ping) socket.write(clientFrame(payload, OPCODE.pong));
  else if (opcode === OPCODE.binary && isHandshake(payload)) {
    const answer = decodeAnswer(payload);
    if (answer instanceof FlockError) heard.refused = answer.code;
    else {
      heard.welcome = answer;
      if (script.isDeaf === true) socket.pause();
      if (script.leavesAfterMs !== undefined) leaveAfter(socket, script.leavesAfterMs);
      for (const piece of script.welcomed?.(answer) ?? []) socket.write(piece);
    }
  } else if (opcode === OPCODE.binary && payload.length >= 17) {
    heard.acked = Math.max(heard.acked, payload.readDoubleLE(9));
    const answer = script.heard?.(payload) ?? null;
    if (answer !== null) socket.write(answer);
  }
}

function leaveAfter(socket: Socket, ms: number): void {
  setTimeout(() => socket.destroy(), ms).unref();
}

function leave(socket: Socket, script: Script): void {
  if (socket.destroyed || socket.writableEnded) return;
  if (script.last === undefined) socket.destroy();
  else socket.end(script.last());
}
