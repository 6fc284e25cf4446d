// From a body to the value. Everything it meets may be hostile: see `byte-reader.ts`.
import { type ByteReader, malformed, orMalformed } from "./byte-reader.ts";
import { classNamed } from "./classes.ts";
import { makeClosure, makeField, prototypeOf } from "./decode-closure.ts";
import { makeError, setErrorProperty } from "./decode-error.ts";
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

export class Decoder {
  readonly #in: ByteReader;
  readonly #views: ViewReader | undefined;
  readonly #host: DecodeHost | undefined;
  #around: Surroundings;
  readonly #objects: unknown[] = [];
  readonly #keys: string[] = [];
  #depth: number;

  constructor(reader: ByteReader, views: ViewReader | undefined, host: DecodeHost | undefined, around: Surroundings) {
    this.#in = reader;
    this.#views = views;
    this.#host = host;
    this.#around = around;
    this.#depth = around.depth;
  }

  read(): unknown {
    const tag = this.#in.byte();
    if (tag <= MAX_TINY_INTEGER) return tag;
    if (tag < TINY_ARRAY) return this.#in.latin1(tag - TINY_STRING);
    if (tag < TINY_OBJECT) return this.#array(tag - TINY_ARRAY);
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
        return this.#in.int32();
      case TAG.float64:
        return this.#in.float64();
      case TAG.latin1:
        return this.#in.latin1(this.#in.varint());
      case TAG.utf16:
        return this.#in.utf16(this.#in.varint());
      case TAG.array:
        return this.#array(this.#in.varint());
      case TAG.object:
        return this.#record(this.#in.count(2), {});
      default:
        return this.#rare(tag);
    }
  }

  #rare(tag: number): unknown {
    switch (tag) {
      case TAG.bare:
        return this.#record(this.#in.count(2), Object.create(null));
      case TAG.ref:
        return this.#reference();
      case TAG.bigint64:
        return this.#in.bigint64();
      case TAG.bigintPositive:
        return this.#bigint();
      case TAG.bigintNegative:
        return -this.#bigint();
      case TAG.date:
        return this.#add(new Date(this.#in.float64()));
      case TAG.map:
        return this.#map();
      case TAG.set:
        return this.#set();
      case TAG.regexp:
        return this.#regexp();
      case TAG.url:
        return this.#url();
      case TAG.error:
        return this.#error();
      case TAG.view:
        return this.#view();
      case TAG.fields:
        return this.#fields();
      case TAG.hooked:
        return this.#hooked();
      case TAG.future:
      case TAG.function:
        return this.#leaf(tag === TAG.future ? "future" : "function");
      case TAG.unit:
        return this.#unit(0);
      case TAG.outerUnit:
        return this.#unit(this.#in.varint());
      case TAG.closure:
      case TAG.boundClosure:
      case TAG.dataClosure:
        return this.#closure(tag);
      case TAG.instance:
        return this.#instance();
      default:
        throw malformed(`0x${tag.toString(16)} is no tag`);
    }
  }

  #add<T>(object: T): T {
    this.#objects.push(object);
    return object;
  }

  #enter(levels = 1): void {
    this.#depth += levels;
    if (this.#depth > MAX_DEPTH + INNER_DEPTH) throw malformed(`they nest deeper than ${MAX_DEPTH} levels`);
  }

  #array(length: number): unknown[] {
    const array: unknown[] = this.#add([]);
    this.#enter();
    const reader = this.#in;
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
    this.#depth--;
    return array;
  }

  #holes(array: unknown[], length: number): void {
    if (length > 0xffffffff) throw malformed("an array is too long");
    this.#in.byte();
    const count = this.#in.count(2);
    let next = array.length;
    array.length = length;
    for (let i = 0; i < count; i++) {
      const index = this.#in.varint();
      if (index < next || index >= length) throw malformed("an array's indices do not ascend");
      array[index] = this.read();
      next = index + 1;
    }
  }

  #record(count: number, object: Record<string, unknown>): object {
    this.#add(object);
    this.#enter();
    for (let i = 0; i < count; i++) {
      const key = this.#key();
      const value = this.read();
      if (key === "__proto__") define(object, key, value);
      else object[key] = value;
    }
    this.#depth--;
    return object;
  }

  #key(): string {
    const head = this.#in.varint();
    const number = Math.floor(head / 4);
    switch (head % 4) {
      case KEY_KNOWN: {
        const key = this.#keys[number];
        if (key === undefined) throw malformed("a key refers to none before it");
        return key;
      }
      case KEY_LATIN1:
        return this.#newKey(this.#in.latin1(number));
      case KEY_UTF16:
        return this.#newKey(this.#in.utf16(number));
      default:
        throw malformed("a key has an unknown form");
    }
  }

  #newKey(key: string): string {
    this.#keys.push(key);
    return key;
  }

  #reference(): unknown {
    const index = this.#in.varint();
    if (index >= this.#objects.length) throw malformed("a reference points at nothing before it");
    const object = this.#objects[index];
    if (object === UNFINISHED) throw malformed("a reference points into an object that contains it");
    return object;
  }

  #bigint(): bigint {
    const hexadecimal = this.#in.latin1(this.#in.varint());
    if (!/^[0-9a-f]+$/.test(hexadecimal)) throw malformed("a bigint has no digits");
    return BigInt(`0x${hexadecimal}`);
  }

  #map(): Map<unknown, unknown> {
    const map = this.#add(new Map<unknown, unknown>());
    this.#enter();
    for (let left = this.#in.count(2); left > 0; left--) {
      const key = this.read();
      map.set(key, this.read());
    }
    this.#depth--;
    return map;
  }

  #set(): Set<unknown> {
    const set = this.#add(new Set<unknown>());
    this.#enter();
    for (let left = this.#in.count(1); left > 0; left--) set.add(this.read());
    this.#depth--;
    return set;
  }

  #string(what: string): string {
    const value = this.read();
    if (typeof value !== "string") throw malformed(`${what} is no string`);
    return value;
  }

  #regexp(): RegExp {
    const at = this.#objects.push(UNFINISHED) - 1;
    const source = this.#string("a RegExp's source");
    const flags = this.#string("a RegExp's flags");
    const lastIndex = this.read();
    if (typeof lastIndex !== "number") throw malformed("a RegExp's lastIndex is no number");
    const regexp = orMalformed("a RegExp does not compile", () => new RegExp(source, flags));
    regexp.lastIndex = lastIndex;
    this.#objects[at] = regexp;
    return regexp;
  }

  #url(): URL {
    const at = this.#objects.push(UNFINISHED) - 1;
    const href = this.#string("a URL");
    const url = orMalformed("a URL is not valid", () => new URL(href));
    this.#objects[at] = url;
    return url;
  }

  #error(): Error {
    const at = this.#objects.push(UNFINISHED) - 1;
    const kind = this.#in.byte();
    const name = this.#string("an error's name");
    const message = this.#string("an error's message");
    const stack = this.read();
    if (stack !== undefined && typeof stack !== "string") throw malformed("an error's stack is no string");
    const error = makeError(kind, name, message, stack);
    this.#objects[at] = error;
    this.#enter();
    for (let left = this.#in.count(2); left > 0; left--) {
      const key = this.#key();
      setErrorProperty(error, key, this.read());
    }
    this.#depth--;
    return error;
  }

  #view(): object {
    if (this.#views === undefined) throw malformed("a typed array has no memory");
    const kind = this.#in.byte();
    return this.#add(this.#views.read(kind, this.#in.varint()));
  }

  #fields(): object {
    const registered = this.#class();
    if (registered.hooks !== undefined) throw malformed(`class "${registered.name}" travels by its hooks`);
    const object: object = this.#add(Object.create(registered.prototype));
    this.#enter();
    for (let left = this.#in.count(2); left > 0; left--) {
      const key = this.#key();
      define(object, key, this.read());
    }
    this.#depth--;
    return object;
  }

  #hooked(): object {
    const at = this.#objects.push(UNFINISHED) - 1;
    const { name, hooks } = this.#class();
    if (hooks === undefined) throw malformed(`class "${name}" travels without hooks`);
    this.#enter();
    const encoded = this.read();
    this.#depth--;
    const object: unknown = hooks.decode(encoded);
    if (typeof object !== "object" || object === null) throw malformed(`decode() of class "${name}" made no object`);
    this.#objects[at] = object;
    return object;
  }

  #class(): NonNullable<ReturnType<typeof classNamed>> {
    const name = this.#key();
    const registered = classNamed(name);
    if (registered === undefined) {
      throw malformed(`class ${JSON.stringify(name)} is not registered in this process; call registerClass here too`);
    }
    return registered;
  }

  #leaf(kind: "future" | "function"): unknown {
    const index = this.#in.varint();
    if (this.#host?.leaf === undefined) throw malformed(`there is no table of ${kind}s here`);
    return this.#host.leaf(kind, index);
  }

  #unit(outer: number): unknown {
    const index = this.#in.varint();
    const units = this.#around.units.at(-1 - outer);
    if (units === undefined || index >= units.length) throw malformed("a function is none of its closure's");
    return units[index];
  }

  #closure(tag: number): unknown {
    const at = this.#objects.push(UNFINISHED) - 1;
    const index = this.#in.varint();
    const bytes = tag === TAG.closure ? undefined : this.#encodedApart(tag);
    this.#enter(CLOSURE_DEPTH);
    const closure = makeClosure(this.#host, index, (units) =>
      bytes === undefined ? this.#captured(units) : this.#around.decodeInner(bytes, this.#host, units, this.#depth),
    );
    this.#depth -= CLOSURE_DEPTH;
    this.#objects[at] = closure;
    return closure;
  }

  /** What a closure captured, where it was encoded as a value of its own. */
  #encodedApart(tag: number): Uint8Array {
    if (tag === TAG.boundClosure) return this.#in.raw(this.#in.varint());
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
  #instance(): object {
    const object: object = this.#add({});
    this.#enter();
    const type = this.read();
    Object.setPrototypeOf(object, prototypeOf(type));
    for (let left = this.#in.count(2); left > 0; left--) {
      const key = this.#key();
      define(object, key, this.#in.peek() === TAG.made ? this.#made(type, key, object) : this.read());
    }
    this.#depth--;
    return object;
  }

  #made(type: unknown, key: string, instance: object): object {
    this.#in.byte();
    return this.#add(makeField(this.#host, type, key, instance));
  }
}

function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}
