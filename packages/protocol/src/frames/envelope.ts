// What a WebSocket puts before a message (RFC 6455, 5.2), read and written together with the frame: ws would make a piece of its own of
// it, and two pieces to be written at once cost the socket many times what one costs.

/** More it never is. */
export const MAX_ENVELOPE_BYTES = 14;
/** All of a binary message, in one piece. */
export const WHOLE_BINARY = 0x82;
const MASKED = 0x80;
const MASK_BYTES = 4;

/** `masked`: sent by the end that connected. The mask is all zeros: it changes nothing. */
export function envelopeBytes(length: number, masked: boolean): number {
  const sizes = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  return masked ? sizes + MASK_BYTES : sizes;
}

/** Writes the envelope of a binary message of `length` bytes to the beginning of `packet`. */
export function writeEnvelope(packet: Buffer, length: number, masked: boolean): void {
  const mask = masked ? MASKED : 0;
  packet[0] = WHOLE_BINARY;
  let end = 2;
  if (length < 126) packet[1] = mask | length;
  else if (length < 65_536) {
    packet[1] = mask | 126;
    end = packet.writeUInt16BE(length, end);
  } else {
    packet[1] = mask | 127;
    packet.writeUInt32BE(Math.floor(length / 2 ** 32), end);
    end = packet.writeUInt32BE(length % 2 ** 32, end + 4);
  }
  if (masked) for (let i = 0; i < MASK_BYTES; i++) packet[end + i] = 0;
}

/** How many bytes the envelope has that begins at `at`, of which two bytes are there. */
export function envelopeAt(bytes: Buffer, at: number): number {
  const second = bytes[at + 1]!;
  const length = second & 0x7f;
  const sizes = length < 126 ? 2 : length === 126 ? 4 : 10;
  return second >= MASKED ? sizes + MASK_BYTES : sizes;
}

/** How many bytes follow the envelope that begins at `at`, all of which is there. */
export function lengthAt(bytes: Buffer, at: number): number {
  const length = bytes[at + 1]! & 0x7f;
  if (length < 126) return length;
  if (length === 126) return bytes.readUInt16BE(at + 2);
  return bytes.readUInt32BE(at + 2) * 2 ** 32 + bytes.readUInt32BE(at + 6);
}

/** Whether the envelope between `at` and `end` has a mask, or none, that changes nothing. */
export function isPlain(bytes: Buffer, at: number, end: number, masked: boolean): boolean {
  if (bytes[at + 1]! >= MASKED !== masked) return false;
  return !masked || (bytes[end - 1]! | bytes[end - 2]! | bytes[end - 3]! | bytes[end - 4]!) === 0;
}
