// TensorBoard's event files: TFRecords (length, checksum of the length, data, checksum of the data), each an Event in protobuf's wire
// format. The numbers of the fields are those of tensorflow/core/util/event.proto and framework/summary.proto.
import { maskedCrc32c } from "./crc32c.ts";

/** What an event tells: the version, at the head of a file; a restart, after which later steps are void; or figures by name. */
export type EventContent =
  | { readonly kind: "version" }
  | { readonly kind: "start" }
  | { readonly kind: "scalars"; readonly values: Readonly<Record<string, number>> };

/** An event as a record of the file. `wallTime` is in seconds since 1970. */
export function eventRecord(wallTime: number, step: number, content: EventContent): Uint8Array {
  const event = Buffer.concat([
    double(1, wallTime),
    step === 0 ? Buffer.alloc(0) : varintField(2, step),
    contentField(content),
  ]);
  const head = Buffer.alloc(12);
  head.writeBigUInt64LE(BigInt(event.length));
  head.writeUInt32LE(maskedCrc32c(head.subarray(0, 8)), 8);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(maskedCrc32c(event));
  return Buffer.concat([head, event, tail]);
}

function contentField(content: EventContent): Buffer {
  if (content.kind === "version") return bytesField(3, Buffer.from("brain.Event:2"));
  // SessionLog { status: START }.
  if (content.kind === "start") return bytesField(7, varintField(1, 1));
  const values = Object.entries(content.values).map(([tag, value]) =>
    bytesField(1, Buffer.concat([bytesField(1, Buffer.from(tag)), float(2, value)])),
  );
  return bytesField(5, Buffer.concat(values));
}

function double(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = (field << 3) | 1;
  bytes.writeDoubleLE(value, 1);
  return bytes;
}

function float(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes[0] = (field << 3) | 5;
  bytes.writeFloatLE(value, 1);
  return bytes;
}

function bytesField(field: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...varint(bytes.length)]), bytes]);
}

function varintField(field: number, value: number): Buffer {
  return Buffer.from([field << 3, ...varint(value)]);
}

/** Seven bits in a byte, the lowest first; the highest bit says that more follow. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}
