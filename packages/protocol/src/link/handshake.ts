// The first frames on a connection. Their outer shape must outlive versions: the version is looked at before anything else, so
// that two ends that differ can say so.

import { packPlain, readPlain } from "../frames/plain-data.ts";
import { WireReader } from "../frames/wire-reader.ts";
import { checkField, malformed, show } from "../validation/fields.ts";
import { handshakeFields } from "../validation/tables.ts";
import {
  type ErrorCode,
  errorRegistry,
  FlockError,
  type Hello,
  PROTOCOL_VERSION,
  type Refused,
  type Welcome,
} from "../words/index.ts";

const MARK = 0x48;
/** A connection that has not said who it is may send no more than this. */
export const MAX_HELLO_BYTES = 4096;
/** The WebSocket subprotocol: what does not answer with it is not one of us. */
export const SUBPROTOCOL = "taskflock";

export function encodeHandshake(message: Hello | Welcome | Refused): Buffer {
  return Buffer.concat([Uint8Array.of(MARK), packPlain(message)]);
}

/** Whether the bytes are such a frame, and no frame of messages. */
export function isHandshake(bytes: Uint8Array): boolean {
  return bytes[0] === MARK;
}

/** The hello that a server gets. Throws FLOCK_VERSION_MISMATCH or FLOCK_PROTOCOL. */
export function decodeHello(bytes: Uint8Array): Hello {
  const value = decode(bytes, "hello");
  checkVersion(value, "The scheduler", "who connects");
  checkField(handshakeFields.hello, value, "hello");
  return value as Hello;
}

/** What a server answers: a welcome, or the error it refuses with. Throws FLOCK_VERSION_MISMATCH or FLOCK_PROTOCOL. */
export function decodeAnswer(bytes: Uint8Array): Welcome | FlockError {
  const value = decode(bytes, "welcome");
  if ((value as { t?: unknown })?.t === "refused") return refusalOf(value);
  checkVersion(value, "This end", "the scheduler");
  checkField(handshakeFields.welcome, value, "welcome");
  return value as Welcome;
}

/** The error that a `refused` frame says. */
export function decodeRefused(bytes: Uint8Array): FlockError {
  return refusalOf(decode(bytes, "refused"));
}

export function refused(error: FlockError): Refused {
  return { t: "refused", code: error.code, message: error.message.slice(0, 2000) };
}

function refusalOf(value: unknown): FlockError {
  checkField(handshakeFields.refused, value, "refused");
  const { code, message } = value as Refused;
  return Object.hasOwn(errorRegistry, code)
    ? new FlockError(code as ErrorCode, message)
    : new FlockError("FLOCK_INTERNAL", `${code}: ${message}`);
}

function decode(bytes: Uint8Array, at: string): unknown {
  const reader = new WireReader(bytes, 0);
  reader.at = at;
  if (reader.u8() !== MARK) throw malformed(at, "the first frame is not a handshake");
  const value = readPlain(reader, at);
  reader.end();
  return value;
}

function checkVersion(value: unknown, here: string, there: string): void {
  const version = typeof value === "object" && value !== null ? (value as { protocol?: unknown }).protocol : undefined;
  if (version === PROTOCOL_VERSION) return;
  if (!Number.isSafeInteger(version)) throw malformed("handshake.protocol", `${show(version)} is not a version`);
  throw new FlockError(
    "FLOCK_VERSION_MISMATCH",
    `${here} speaks version ${PROTOCOL_VERSION} of the protocol, ${there} version ${version}. Install the same version of taskflock on both.`,
  );
}
