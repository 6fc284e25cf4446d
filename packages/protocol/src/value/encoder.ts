// From a value to its body. One pass, depth first; hot for small values, so plainer than the rest.
import { ByteWriter, isLatin1 } from "./byte-writer.ts";
import { classOfPrototype, type RegisteredClass } from "./classes.ts";
import { isForeign, writeBuiltin } from "./encode-builtins.ts";
import { columnOf, writeColumn, writeHoles, writeWide } from "./encode-columns.ts";
import { writeError } from "./encode-error.ts";
import { writeFunctionLeaf, writeObjectLeaf } from "./encode-leaf.ts";
import {
  CLOSURE_DEPTH,
  COLUMN,
  KEY_KNOWN,
  KEY_LATIN1,
  KEY_UTF16,
  LAYOUT_PLAIN,
  LAYOUT_REGIONS,
  MAX_DEPTH,
  MAX_TINY_COUNT,
  MIN_COLUMN,
  MIN_WIDE,
  PLAIN_HEADER,
  REGIONS_HEADER,
  TAG,
  TINY_ARRAY,
  TINY_OBJECT,
} from "./format.ts";
import type { LeafOf } from "./leaf.ts";
import { Numbers } from "./numbers.ts";
import { type Root, refuse, refuseFunction, refuseObject, renderPath, type Step } from "./refusal.ts";
import { type Region, ViewTable } from "./regions.ts";

/** Where an encoder stood, so that a part which cannot travel can be taken back. */
export interface Mark {
  readonly position: number;
  readonly objects: number;
  readonly keys: number;
  readonly views: number;
  readonly depth: number;
  readonly wideKeys: readonly string[];
}

export class Encoder {
  readonly out: ByteWriter = new ByteWriter();
  readonly #seen: Numbers<object> = new Numbers();
  readonly #keys: Numbers<string> = new Numbers();
  readonly #steps: Step[] = [];
  /**
   * Instances whose `encode` hook's value is being written, and functions whose captured values are: a reference back to
   * one could not be decoded.
   */
  readonly #open: Set<object> = new Set();
  #views: ViewTable | undefined;
  /** The keys of the wide object that was written last. */
  wideKeys: readonly string[] = NO_KEYS;
  /** Of the finished value. */
  regions: readonly Region[] = NO_REGIONS;
  #depth = 0;
  /** Less inside closures. */
  #maxDepth = MAX_DEPTH;
  #leaf: LeafOf | undefined;
  #root: Root = "value";

  begin(leaf: LeafOf | undefined, root: Root): void {
    this.#leaf = leaf;
    this.#root = root;
    this.out.position = PLAIN_HEADER;
  }

  /** Drops every reference to the value. */
  end(): void {
    this.#seen.truncate(0);
    this.#keys.truncate(0);
    if (this.#open.size > 0) this.#open.clear();
    if (this.#steps.length > KEPT_STEPS) this.#steps.length = 0;
    else for (let at = 0; at < this.#steps.length; at++) this.#steps[at] = 0;
    this.#views = undefined;
    this.#leaf = undefined;
    this.wideKeys = NO_KEYS;
    this.regions = NO_REGIONS;
    this.#depth = 0;
    this.out.reset();
  }

  /** Writes the header and, when there are regions, their table. Returns the value's whole size, with the regions. */
  finish(): number {
    const out = this.out;
    if (this.#views === undefined) {
      out.bytes[0] = LAYOUT_PLAIN;
      return out.position;
    }
    const body = out.position - PLAIN_HEADER;
    const grown = REGIONS_HEADER - PLAIN_HEADER;
    out.reserve(grown);
    out.bytes.copyWithin(REGIONS_HEADER, PLAIN_HEADER, out.position);
    out.position += grown;
    out.bytes[0] = LAYOUT_REGIONS;
    out.uint32At(1, REGIONS_HEADER + body);
    const { regions, bytes } = this.#views.finish(out);
    this.regions = regions;
    return bytes;
  }

  write(value: unknown): void {
    switch (typeof value) {
      case "number":
        this.out.number(value);
        break;
      case "string":
        this.out.string(value);
        break;
      case "boolean":
        this.out.byte(value ? TAG.true : TAG.false);
        break;
      case "undefined":
        this.out.byte(TAG.undefined);
        break;
      case "object":
        if (value === null) this.out.byte(TAG.null);
        else this.#object(value);
        break;
      case "bigint":
        this.out.bigint(value);
        break;
      case "function":
        this.#function(value);
        break;
      default:
        throw refuse(this.path(), "a symbol", "a symbol is unique to its process; pass a string");
    }
  }

  readonly #pathOf = (): string => this.path();

  path(): string {
    return renderPath(this.#root, this.#steps, this.#depth);
  }

  /** Writes what the container that was entered holds at `step`. */
  element(step: Step, value: unknown): void {
    this.#steps[this.#depth - 1] = step;
    this.write(value);
  }

  /** Writes what a container holds at `step`. */
  child(step: Step, value: unknown): void {
    this.enter();
    this.element(step, value);
    this.#depth--;
  }

  /** Writes what a closure captures; `names` are the variables', up to the place `beside`. */
  captured(values: readonly unknown[], names: readonly string[] | undefined, beside: number | undefined): void {
    this.#maxDepth -= CLOSURE_DEPTH - 1;
    try {
      this.enter();
      this.#steps[this.#depth - 1] = { in: "captured", key: names, beside };
      this.number(values);
      this.array(values);
      this.#depth--;
    } finally {
      this.#maxDepth += CLOSURE_DEPTH - 1;
    }
  }

  /** What the object has at the key: a getter may throw. */
  read(object: Readonly<Record<string, unknown>>, key: string): unknown {
    this.#steps[this.#depth++] = key;
    const value = object[key];
    this.#depth--;
    return value;
  }

  enter(): void {
    if (++this.#depth > this.#maxDepth) {
      this.#depth = 8; // enough of the path to find the place
      throw refuse(`${this.path()}…`, `nested deeper than ${MAX_DEPTH} levels`, "use an array instead of links");
    }
  }

  view(buffer: ArrayBufferLike, start: number, bytes: number, whole: boolean): void {
    this.#views ??= new ViewTable();
    this.#views.add(buffer, start, bytes, whole);
  }

  key(key: string): void {
    const known = this.#keys.of(key);
    if (known >= 0) {
      this.out.varint(known * 4 + KEY_KNOWN);
      return;
    }
    this.#keys.add(key);
    if (isLatin1(key)) {
      this.out.varint(key.length * 4 + KEY_LATIN1);
      this.out.latin1(key);
    } else {
      this.out.varint(key.length * 4 + KEY_UTF16);
      this.out.utf16(key);
    }
  }

  mark(): Mark {
    const { position } = this.out;
    return {
      position,
      objects: this.#seen.size,
      keys: this.#keys.size,
      views: this.#views?.size ?? 0,
      depth: this.#depth,
      wideKeys: this.wideKeys,
    };
  }

  /** Takes back all that was written since the mark. */
  rewind(mark: Mark): void {
    this.out.position = mark.position;
    this.#seen.truncate(mark.objects);
    this.#keys.truncate(mark.keys);
    this.#views?.truncate(mark.views);
    this.#depth = mark.depth;
    this.wideKeys = mark.wideKeys;
  }

  #object(value: object): void {
    const known = this.#seen.of(value);
    if (known >= 0) {
      if (this.#open.has(value)) {
        throw refuse(
          this.path(),
          "a reference to an object that contains it",
          "a registered class's encode() must break cycles",
        );
      }
      this.#reference(known);
      return;
    }
    const prototype: object | null = Object.getPrototypeOf(value);
    if (prototype === Object.prototype) {
      this.number(value);
      this.#record(value as Record<string, unknown>, TAG.object);
    } else if (prototype === Array.prototype && Array.isArray(value)) {
      this.number(value);
      this.array(value);
    } else {
      this.#exotic(value, prototype);
    }
  }

  #reference(known: number): void {
    this.out.byte(TAG.ref);
    this.out.varint(known);
  }

  /** A function that captures values is an object of the body, as far as the host says so. */
  #function(value: object): void {
    const known = this.#seen.of(value);
    const open = known >= 0 && this.#open.has(value);
    if (known >= 0 && !open) {
      this.#reference(known);
      return;
    }
    const leaf = this.#leaf?.(value, this.#pathOf);
    if (leaf === undefined || leaf.kind === "instance") throw refuseFunction(this.path(), value);
    writeFunctionLeaf(this, value, leaf, open);
  }

  /** Gives the object the next number. */
  number(value: object): void {
    this.#seen.add(value);
  }

  /** What `write` writes must not refer to the object itself. */
  closed(value: object, write: () => void): void {
    this.#open.add(value);
    try {
      write();
    } finally {
      this.#open.delete(value);
    }
  }

  array(array: readonly unknown[]): void {
    const { out } = this;
    const length = array.length;
    if (length <= MAX_TINY_COUNT) {
      out.byte(TINY_ARRAY + length);
    } else {
      const kind = length < MIN_COLUMN ? COLUMN.values : columnOf(array);
      if (kind !== COLUMN.values) {
        out.byte(TAG.columnArray);
        out.varint(length);
        writeColumn(this, kind, array);
        return;
      }
      out.byte(TAG.array);
      out.varint(length);
    }
    this.enter();
    const at = this.#depth - 1;
    for (let i = 0; i < length; i++) {
      const value = array[i];
      if (typeof value === "number") {
        out.number(value);
        continue;
      }
      if (value === undefined && !(i in array)) {
        writeHoles(this, array, i);
        break;
      }
      this.#steps[at] = i;
      this.write(value);
    }
    this.#depth--;
  }

  /** Enumerable properties with string keys. */
  #record(object: Readonly<Record<string, unknown>>, tag: number): void {
    const { out } = this;
    const keys = Object.keys(object);
    if (keys.length >= MIN_WIDE && columnOf(keys) === COLUMN.strings) {
      writeWide(this, object, keys, tag === TAG.bare);
      return;
    }
    if (tag === TAG.object && keys.length <= MAX_TINY_COUNT) {
      out.byte(TINY_OBJECT + keys.length);
    } else {
      out.byte(tag);
      out.varint(keys.length);
    }
    this.#properties(object, keys);
  }

  #properties(object: Readonly<Record<string, unknown>>, keys: readonly string[]): void {
    this.enter();
    const at = this.#depth - 1;
    for (const key of keys) {
      this.key(key);
      this.#steps[at] = key;
      this.write(object[key]);
    }
    this.#depth--;
  }

  #exotic(value: object, prototype: object | null): void {
    if (prototype === null) {
      this.number(value);
      this.#record(value as Record<string, unknown>, TAG.bare);
      return;
    }
    const registered = classOfPrototype(prototype);
    if (registered !== undefined) this.#instance(value, registered);
    else if (!writeBuiltin(this, value, prototype)) this.#unknown(value, prototype);
  }

  #unknown(value: object, prototype: object): void {
    const leaf = this.#leaf?.(value, this.#pathOf);
    if (leaf !== undefined && writeObjectLeaf(this, value, leaf)) return;
    this.number(value);
    if (value instanceof Error) {
      writeError(this, value);
    } else if (Array.isArray(value) && isForeign(prototype, "Array")) {
      this.array(value); // of another realm (`node:vm`), as are the objects below
    } else if (isForeign(prototype, "Object") && Object.getPrototypeOf(prototype) === null) {
      this.#record(value as Record<string, unknown>, TAG.object);
    } else {
      throw refuseObject(this.path(), value);
    }
  }

  #instance(value: object, { name, hooks }: RegisteredClass): void {
    this.number(value);
    if (hooks === undefined) {
      this.out.byte(TAG.fields);
      this.key(name);
      this.fields(value);
      return;
    }
    this.out.byte(TAG.hooked);
    this.key(name);
    this.closed(value, () => this.child({ in: "encode", key: name }, hooks.encode(value)));
  }

  /** The count of own enumerable properties, and these. */
  fields(value: object): void {
    const keys = Object.keys(value);
    this.out.varint(keys.length);
    this.#properties(value as Record<string, unknown>, keys);
  }
}

const NO_REGIONS: readonly Region[] = [];
const NO_KEYS: readonly string[] = [];
/** Room for as many is kept for the next value. */
const KEPT_STEPS = 16;
