// The bytes of a value. Two layouts, told apart by the first byte:
//
//   PLAIN    [0x01][body]
//   REGIONS  [0x02][u32 end of body][body][table of regions and views][padding][region]…[region]
//
// The body is one tagged value, depth first. Every object gets the next number (0, 1, 2 …) when it is first met, and a
// later meeting is a REF to it; object keys are numbered in the same way. Memory of typed arrays stands behind the body,
// each region aligned to `VALUE_ALIGNMENT` from the value's start. Little endian throughout.

/** Regions start at a multiple of this many bytes from the value's first byte. */
export const VALUE_ALIGNMENT = 8;
/** How deep values may nest, for the encoder and the decoder alike: a bound on the stack that hostile bytes can use. */
export const MAX_DEPTH = 1500;
/** As many levels as a closure counts for: its host's frames and its own code's stand on the stack too. */
export const CLOSURE_DEPTH = 8;
/** What a decoder allows on top: captured values that were encoded on their own may stand a little down in another value. */
export const INNER_DEPTH = 100;

export const LAYOUT_PLAIN = 0x01;
export const LAYOUT_REGIONS = 0x02;
/** Bytes before the body in each layout. */
export const PLAIN_HEADER = 1;
export const REGIONS_HEADER = 5;

// 0x00–0x7f: the integers 0–127 themselves.
export const MAX_TINY_INTEGER = 0x7f;
// 0x80–0x9f: a string of 0–31 characters below U+0100, one byte each.
export const TINY_STRING = 0x80;
export const MAX_TINY_STRING = 31;
// 0xa0–0xaf: an array of 0–15 elements.
export const TINY_ARRAY = 0xa0;
// 0xb0–0xbf: an object of 0–15 properties.
export const TINY_OBJECT = 0xb0;
export const MAX_TINY_COUNT = 15;

export const TAG = {
  null: 0xc0,
  undefined: 0xc1,
  true: 0xc2,
  false: 0xc3,
  /** zigzag varint, 32 bits */
  int: 0xc4,
  float64: 0xc5,
  /** varint length, one byte per character */
  latin1: 0xc6,
  /** varint length in code units, two bytes each: also holds lone surrogates */
  utf16: 0xc7,
  /** varint length, elements; or elements up to a `holes` */
  array: 0xc8,
  /** inside an array, ends it: varint count, then (varint index, value) for what follows the first hole */
  holes: 0xc9,
  object: 0xca,
  /** an object whose prototype is null */
  bare: 0xcb,
  ref: 0xcc,
  bigint64: 0xcd,
  /** varint length, magnitude as hexadecimal characters */
  bigintPositive: 0xce,
  bigintNegative: 0xcf,
  date: 0xd0,
  map: 0xd1,
  set: 0xd2,
  regexp: 0xd3,
  error: 0xd4,
  url: 0xd5,
  /** byte kind, varint count of elements; where it lies is the next row of the view table */
  view: 0xd6,
  /** a registered class without hooks: name, fields */
  fields: 0xd7,
  /** a registered class with hooks: name, what `encode` returned */
  hooked: 0xd8,
  future: 0xd9,
  function: 0xda,
  /** inside a closure's captured values: varint place among the functions of that closure itself */
  unit: 0xdb,
  /** the same of a closure around the innermost: varint how many further out, varint place */
  outerUnit: 0xdc,
  /** varint index of the function, then an array, its captured values */
  closure: 0xdd,
  /** varint index of the function, varint bytes, then its captured values as an encoded value of their own */
  boundClosure: 0xde,
  /** of a class that travels with it: the class, as any value, then varint count of (key, value) */
  instance: 0xdf,
  /** varint index of the function, varint index of the future whose value is the bytes that stand in `boundClosure` */
  dataClosure: 0xe0,
  /** among the fields of an instance: a function that its class makes anew */
  made: 0xe1,
  /** an array of numbers, or of short strings: varint length, column */
  columnArray: 0xe2,
  /** a Set of those: varint count, column */
  columnSet: 0xe3,
  /** a Map whose keys are those: varint count, column of keys, column of values */
  columnMap: 0xe4,
  /** an object of many properties: byte flags, varint count, strings of the keys (no kind), column of values */
  wide: 0xe5,
} as const;

/** Fewer values than this are written one by one. */
export const MIN_COLUMN = 16;
/** Objects with fewer properties than this are not wide: their keys are numbered, for the objects that are like them. */
export const MIN_WIDE = 256;
export const WIDE_BARE = 1;
/** The keys are those of the wide object before, in the same order, and not written again. */
export const WIDE_SAME_KEYS = 2;

/** A column's first byte. Numbers have a fixed width. */
export const COLUMN = {
  /** tagged values, one by one */
  values: 0,
  int8: 1,
  int16: 2,
  int32: 3,
  float64: 4,
  /** chunks of up to `CHUNK_STRINGS`: byte form, the lengths in characters as a byte each, all characters */
  strings: 5,
} as const;
/** Bytes per number, by kind. */
export const COLUMN_WIDTH: readonly number[] = [0, 1, 2, 4, 8];
export const CHUNK_STRINGS = 256;
export const MAX_COLUMN_STRING = 255;
/** A chunk's form: one byte per character, or two. */
export const CHUNK_LATIN1 = 0;
export const CHUNK_UTF16 = 1;

// Object keys: varint `length << 2 | form` for a new key, `number << 2 | KEY_KNOWN` for one met before.
export const KEY_LATIN1 = 0;
export const KEY_KNOWN = 1;
export const KEY_UTF16 = 2;

// A region's flags byte: the ArrayBuffer itself is part of the value; and the offset (0–7) from the aligned position.
export const REGION_IS_BUFFER = 1;
export const REGION_PHASE_SHIFT = 1;

/** What a view can be; its place in this list is its byte on the wire. */
export const VIEW_KINDS = [
  "ArrayBuffer",
  "Buffer",
  "DataView",
  "Int8Array",
  "Uint8Array",
  "Uint8ClampedArray",
  "Int16Array",
  "Uint16Array",
  "Int32Array",
  "Uint32Array",
  "Float32Array",
  "Float64Array",
  "BigInt64Array",
  "BigUint64Array",
  "Float16Array",
] as const;
export type ViewKind = (typeof VIEW_KINDS)[number];

/** Bytes per element of each view kind, in the order of `VIEW_KINDS`. */
export const VIEW_ELEMENT_BYTES: readonly number[] = [1, 1, 1, 1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 2];

/** Error classes that decode as themselves; the place in this list is the byte on the wire. 0 stands for every other. */
export const ERROR_CLASSES = [
  "Error",
  "EvalError",
  "RangeError",
  "ReferenceError",
  "SyntaxError",
  "TypeError",
  "URIError",
  "AggregateError",
  "FlockError",
  "DOMException",
] as const;

export function align(position: number): number {
  return Math.ceil(position / VALUE_ALIGNMENT) * VALUE_ALIGNMENT;
}
