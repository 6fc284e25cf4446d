// Plain data with typed arrays as one block of bytes:
//   "FLOCKCKP" · version (uint32) · CRC-32 of all that follows (uint32) · length of all that follows (float64) · length of the header (float64)
//   · header: JSON, with {"$array": [kind, offset, length]} for each typed array and {"$number": "NaN"} for what JSON has no word for
//   · the arrays, each at a multiple of eight bytes, numbers little-endian
import { crc32 } from "node:zlib";
import { FlockError } from "@taskflock/protocol/words";

const magic = "FLOCKCKP";
const version = 1;
const fixed = 32;

const kinds = { Float32Array, Float64Array, Int32Array, Uint8Array, Uint32Array } as const;
type Kind = keyof typeof kinds;
type Stored = InstanceType<(typeof kinds)[Kind]>;

export function packCheckpoint(value: unknown): Uint8Array {
  const arrays: { array: Stored; offset: number }[] = [];
  let end = 0;
  const header = Buffer.from(
    JSON.stringify(
      encode(value, (array) => {
        const offset = end;
        arrays.push({ array, offset });
        end = aligned(offset + array.byteLength);
        return offset;
      }),
    ),
  );
  const start = aligned(fixed + header.length);
  const bytes = Buffer.alloc(start + end);
  header.copy(bytes, fixed);
  for (const { array, offset } of arrays)
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), start + offset);
  bytes.write(magic, 0, "latin1");
  bytes.writeUInt32LE(version, 8);
  bytes.writeDoubleLE(bytes.length - 16, 16);
  bytes.writeDoubleLE(header.length, 24);
  bytes.writeUInt32LE(crc32(bytes.subarray(16)), 12);
  // Not as a Buffer, whose slice() would not copy.
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Errors: FLOCK_CHECKPOINT_INVALID when the bytes are foreign, of another version, cut, or damaged. */
export function unpackCheckpoint(given: Uint8Array): unknown {
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
  if (bytes.length < fixed || bytes.toString("latin1", 0, 8) !== magic)
    throw invalid("These bytes are not a checkpoint of a training.");
  const found = bytes.readUInt32LE(8);
  if (found !== version)
    throw invalid(`The checkpoint has format ${found}, and this version of Taskflock reads format ${version}.`);
  const length = bytes.readDoubleLE(16);
  if (length !== bytes.length - 16)
    throw invalid(`The checkpoint is cut: it has ${bytes.length} bytes and should have ${length + 16}.`);
  if (crc32(bytes.subarray(16)) !== bytes.readUInt32LE(12))
    throw invalid("The checkpoint is damaged: its checksum is wrong.");
  const headerLength = bytes.readDoubleLE(24);
  const arrays = bytes.subarray(aligned(fixed + headerLength));
  return decode(JSON.parse(bytes.toString("utf8", fixed, fixed + headerLength)), arrays);
}

function encode(value: unknown, place: (array: Stored) => number): unknown {
  if (typeof value === "number")
    return Number.isFinite(value) && !Object.is(value, -0) ? value : { $number: numberWord(value) };
  if (typeof value !== "object" || value === null) return plain(value);
  const kind = kindOf(value);
  if (kind !== null) return { $array: [kind, place(value as Stored), (value as Stored).length] };
  if (Array.isArray(value)) return value.map((entry) => encode(entry, place));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null)
    throw notPlain(`an instance of ${(value as object).constructor?.name ?? "a class"}`);
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [escaped(key), encode(entry, place)]));
}

function plain(value: unknown): unknown {
  if (typeof value === "function" || typeof value === "symbol" || typeof value === "bigint")
    throw notPlain(`a ${typeof value}`);
  return value;
}

function notPlain(what: string): FlockError {
  return new FlockError(
    "FLOCK_ML_PARAMETER",
    `The state of a callback or metric holds ${what}: checkpoints keep numbers, texts, booleans, arrays, plain objects and typed arrays (Float32, Float64, Int32, Uint32, Uint8).`,
  );
}

function decode(value: unknown, arrays: Buffer): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((entry) => decode(entry, arrays));
  if ("$number" in value) return Number(value.$number);
  if ("$array" in value) return readArray(value.$array as [Kind, number, number], arrays);
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [unescaped(key), decode(entry, arrays)]));
}

/** A copy, so that it is aligned and does not hold on to all the bytes. */
function readArray([kind, offset, length]: [Kind, number, number], arrays: Buffer): Stored {
  const array = new kinds[kind](length);
  new Uint8Array(array.buffer).set(arrays.subarray(offset, offset + array.byteLength));
  return array;
}

function kindOf(value: object): Kind | null {
  if (!ArrayBuffer.isView(value)) return null;
  if (Buffer.isBuffer(value)) return "Uint8Array";
  const name = value.constructor.name;
  if (Object.hasOwn(kinds, name)) return name as Kind;
  throw notPlain(`a ${name}`);
}

function numberWord(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

const escaped = (key: string): string => (key.startsWith("$") ? `$${key}` : key);
const unescaped = (key: string): string => (key.startsWith("$") ? key.slice(1) : key);
const aligned = (offset: number): number => Math.ceil(offset / 8) * 8;

function invalid(message: string): FlockError {
  return new FlockError("FLOCK_CHECKPOINT_INVALID", message);
}
