// From a body to the value. Everything it meets may be hostile: see `byte-reader.ts`.
import { ByteReader, malformed } from "./byte-reader.ts";
import { define, readError, readFields, readHooked, readRegExp, readUrl } from "./decode-builtins.ts";
import { makeClosure, makeField, prototypeOf } from "./decode-closure.ts";
import { readColumnArray, readColumnMap, readColumnSet, readWide } from "./decode-columns.ts";
import {
  CLOSURE_DEPTH,
  INNER_DEPTH,
  KEY_KNOWN,
  KEY_LATIN1,
  KEY_UTF16,
  MAX_DEPTH,
  MAX_TINY_INTEGER,
  TAG,
  TINY_ARRAY,
  TINY_OBJECT,
  TINY_STRING,
} from "./format.ts";
import type { DecodeHost } from "./leaf.ts";
import type { ViewReader } from "./view-reader.ts";

/** Stands for an object whose `decode` hook has not run yet. */
const UNFINISHED: unique symbol = Symbol("unfinished");

/** What a value stands in. */
export interface Surroundings {
  /** The functions of each closure whose captured values are being read, the innermost last. */
  readonly units: readonly (readonly unknown[])[];
  readonly depth: number;
  /** Decodes bytes that are a value of their own, inside a closure with these functions. */
  decodeInner(bytes: Uint8Array, host: DecodeHost | undefined, units: readonly unknown[], depth: number): unknown;
}

/** Around a value that stands in nothing else, and of a decoder that decodes nothing. */
const NOTHING: Surroundings = { units: [], depth: 0, decodeInner: () => undefined };
const NO_KEYS: readonly string[] = [];
/** Room for as many objects is kept for the next value. */
const KEPT_OBJECTS = 64;
const KEPT_KEYS = 256;

/** May be used for one value after the other. */
export class Decoder {
  readonly in: ByteReader = new ByteReader();
  #views: ViewReader | undefined;
  #host: DecodeHost | undefined;
  #around: Surroundings = NOTHING;
  /** By number; there are `#count` of them, the rest is room. */
  readonly #objects: unknown[] = [];
  #count = 0;
  readonly #keys: string[] = [];
  #keyCount = 0;
  /** The keys of the wide object that was read last. */
  wideKeys: readonly string[] = NO_KEYS;
  #depth = 0;

  /** The value whose body stands from `start` to `end`, all of it. */
  decode(
    bytes: Uint8Array,
    start: number,
    end: number,
    views: ViewReader | undefined,
    host: DecodeHost | undefined,
    around: Surroundings,
  ): unknown {
    this.in.begin(bytes, start, end);
    this.#views = views;
    this.#host = host;
    this.#around = around;
    this.#depth = around.depth;
    const value = this.read();
    if (this.in.position !== end) throw malformed("something follows the value");
    if (host?.each !== undefined) for (let at = 0; at < this.#count; at++) host.each(this.#objects[at] as object);
    return value;
  }

  /** Drops every reference to the value. */
  end(): void {
    this.in.close();
    this.#views = undefined;
    this.#host = undefined;
    this.#around = NOTHING;
    if (this.#count > KEPT_OBJECTS) this.#objects.length = 0;
    else for (let at = 0; at < this.#count; at++) this.#objects[at] = undefined;
    this.#count = 0;
    if (this.#keyCount > KEPT_KEYS) this.#keys.length = 0;
    this.#keyCount = 0;
    this.wideKeys = NO_KEYS;
  }

  read(): unknown {
    const tag = this.in.byte();
    if (tag <= MAX_TINY_INTEGER) return tag;
    if (tag < TINY_ARRAY) return this.in.latin1(tag - TINY_STRING);
    if (tag < TINY_OBJECT) return this.#tinyArray(tag - TINY_ARRAY);
    if (tag < TAG.null) return this.#record(tag - TINY_OBJECT, {});
    switch (tag) {
      case TAG.null:
        return null;
      case TAG.undefined:
        return undefined;
      case TAG.true:
        return true;
      case TAG.false:
        return false;
      case TAG.int:
        return this.in.int32();
      case TAG.float64:
        return this.in.float64();
      case TAG.latin1:
        return this.in.latin1(this.in.varint());
      case TAG.utf16:
        return this.in.utf16(this.in.varint());
      case TAG.array:
        return this.#array(this.in.varint());
      case TAG.object:
        return this.#record(this.in.count(2), {});
      case TAG.columnArray:
        return readColumnArray(this);
      default:
        return this.#rare(tag);
    }
  }

  #rare(tag: number): unknown {
    switch (tag) {
      case TAG.bare:
        return this.#record(this.in.count(2), Object.create(null));
      case TAG.ref:
        return this.#reference();
      case TAG.bigint64:
        return this.in.bigint64();
      case TAG.bigintPositive:
        return this.in.magnitude();
      case TAG.bigintNegative:
        return -this.in.magnitude();
      case TAG.date:
        return this.add(new Date(this.in.float64()));
      case TAG.map:
        return this.#map();
      case TAG.set:
        return this.#set();
      case TAG.wide:
        return readWide(this);
      case TAG.columnMap:
        return readColumnMap(this);
      case TAG.columnSet:
        return readColumnSet(this);
      case TAG.regexp:
        return readRegExp(this);
      case TAG.url:
        return readUrl(this);
      case TAG.error:
        return readError(this);
      case TAG.view:
        return this.#view();
      case TAG.fields:
        return readFields(this);
      case TAG.hooked:
        return readHooked(this);
      case TAG.future:
      case TAG.function:
        return this.#leaf(tag === TAG.future ? "future" : "function");
      case TAG.unit:
        return this.#unit(0);
      case TAG.outerUnit:
        return this.#unit(this.in.varint());
      case TAG.closure:
      case TAG.boundClosure:
      case TAG.dataClosure:
        return this.#closure(tag);
      case TAG.instance:
        return this.instance();
      default:
        throw malformed(`0x${tag.toString(16)} is no tag`);
    }
  }

  /** Gives the object the next number. */
  add<T>(object: T): T {
    this.#objects[this.#count++] = object;
    return object;
  }

  /** The number of an object that is to come. */
  reserve(): number {
    this.#objects[this.#count] = UNFINISHED;
    return this.#count++;
  }

  fill(number: number, object: unknown): void {
    this.#objects[number] = object;
  }

  enter(levels = 1): void {
    this.#depth += levels;
    if (this.#depth > MAX_DEPTH + INNER_DEPTH) throw malformed(`they nest deeper than ${MAX_DEPTH} levels`);
  }

  leave(): void {
    this.#depth--;
  }

  /** An array of exactly this length: pushing to an empty one makes room for seventeen. */
  #tinyArray(length: number): unknown[] {
    switch (length) {
      case 1:
        return this.#few([undefined]);
      case 2:
        return this.#few([undefined, undefined]);
      case 3:
        return this.#few([undefined, undefined, undefined]);
      default:
        return this.#array(length);
    }
  }

  #few(array: unknown[]): unknown[] {
    const { length } = array;
    this.add(array);
    this.enter();
    for (let i = 0; i < length; i++) {
      if (this.in.peek() === TAG.holes) {
        array.length = i;
        this.#holes(array, length);
        break;
      }
      array[i] = this.read();
    }
    this.leave();
    return array;
  }

  #array(length: number): unknown[] {
    const array: unknown[] = this.add([]);
    this.enter();
    const reader = this.in;
    for (let i = 0; i < length; i++) {
      const tag = reader.peek();
      if (tag >= 0 && tag <= MAX_TINY_INTEGER) {
        reader.position++;
        array.push(tag);
      } else if (tag === TAG.holes) {
        this.#holes(array, length);
        break;
      } else {
        array.push(this.read());
      }
    }
    this.leave();
    return array;
  }

  #holes(array: unknown[], length: number): void {
    if (length > 0xffffffff) throw malformed("an array is too long");
    this.in.byte();
    const count = this.in.count(2);
    let next = array.length;
    array.length = length;
    for (let i = 0; i < count; i++) {
      const index = this.in.varint();
      if (index < next || index >= length) throw malformed("an array's indices do not ascend");
      array[index] = this.read();
      next = index + 1;
    }
  }

  #record(count: number, object: Record<string, unknown>): object {
    this.add(object);
    this.enter();
    for (let i = 0; i < count; i++) {
      const key = this.key();
      const value = this.read();
      if (key === "__proto__") define(object, key, value);
      else object[key] = value;
    }
    this.leave();
    return object;
  }

  key(): string {
    const head = this.in.varint();
    if (head > 0x7fffffff) throw malformed("a key is too long");
    const number = head >> 2;
    switch (head & 3) {
      case KEY_KNOWN: {
        if (number >= this.#keyCount) throw malformed("a key refers to none before it");
        return this.#keys[number]!;
      }
      case KEY_LATIN1:
        return this.#newKey(this.in.name(number));
      case KEY_UTF16:
        return this.#newKey(this.in.utf16(number));
      default:
        throw malformed("a key has an unknown form");
    }
  }

  #newKey(key: string): string {
    this.#keys[this.#keyCount++] = key;
    return key;
  }

  #reference(): unknown {
    const index = this.in.varint();
    if (index >= this.#count) throw malformed("a reference points at nothing before it");
    const object = this.#objects[index];
    if (object === UNFINISHED) throw malformed("a reference points into an object that contains it");
    return object;
  }

  #map(): Map<unknown, unknown> {
    const map = this.add(new Map<unknown, unknown>());
    this.enter();
    for (let left = this.in.count(2); left > 0; left--) {
      const key = this.read();
      map.set(key, this.read());
    }
    this.leave();
    return map;
  }

  #set(): Set<unknown> {
    const set = this.add(new Set<unknown>());
    this.enter();
    for (let left = this.in.count(1); left > 0; left--) set.add(this.read());
    this.leave();
    return set;
  }

  #view(): object {
    if (this.#views === undefined) throw malformed("a typed array has no memory");
    const kind = this.in.byte();
    return this.add(this.#views.read(kind, this.in.varint()));
  }

  #leaf(kind: "future" | "function"): unknown {
    const index = this.in.varint();
    if (this.#host?.leaf === undefined) throw malformed(`there is no table of ${kind}s here`);
    return this.#host.leaf(kind, index);
  }

  #unit(outer: number): unknown {
    const index = this.in.varint();
    const units = this.#around.units.at(-1 - outer);
    if (units === undefined || index >= units.length) throw malformed("a function is none of its closure's");
    return units[index];
  }

  #closure(tag: number): unknown {
    const at = this.reserve();
    const index = this.in.varint();
    const bytes = tag === TAG.closure ? undefined : this.#encodedApart(tag);
    this.enter(CLOSURE_DEPTH);
    const closure = makeClosure(this.#host, index, (units) =>
      bytes === undefined ? this.#captured(units) : this.#around.decodeInner(bytes, this.#host, units, this.#depth),
    );
    this.#depth -= CLOSURE_DEPTH;
    this.fill(at, closure);
    return closure;
  }

  /** What a closure captured, where it was encoded as a value of its own. */
  #encodedApart(tag: number): Uint8Array {
    if (tag === TAG.boundClosure) return this.in.raw(this.in.varint());
    const bytes = this.#leaf("future");
    if (bytes instanceof Uint8Array) return bytes;
    throw malformed("the data of a closure is no bytes");
  }

  #captured(units: readonly unknown[]): unknown {
    const around = this.#around;
    this.#around = { ...around, units: [...around.units, units] };
    const captured = this.read();
    this.#around = around;
    return captured;
  }

  /** The object is there before its class is: what the class captures may hold the object. */
  instance(): object {
    const object: object = this.add({});
    this.enter();
    const type = this.read();
    Object.setPrototypeOf(object, prototypeOf(type));
    for (let left = this.in.count(2); left > 0; left--) {
      const key = this.key();
      define(object, key, this.in.peek() === TAG.made ? this.#made(type, key, object) : this.read());
    }
    this.leave();
    return object;
  }

  #made(type: unknown, key: string, instance: object): object {
    this.in.byte();
    return this.add(makeField(this.#host, type, key, instance));
  }
}
