// The language's and Node's own classes, errors, and instances of registered classes.
import { malformed, orMalformed } from "./byte-reader.ts";
import { classNamed, type RegisteredClass } from "./classes.ts";
import { makeError, setErrorProperty } from "./decode-error.ts";
import type { Decoder } from "./decoder.ts";

export function readRegExp(decoder: Decoder): RegExp {
  const at = decoder.reserve();
  const source = readString(decoder, "a RegExp's source");
  const flags = readString(decoder, "a RegExp's flags");
  const lastIndex = decoder.read();
  if (typeof lastIndex !== "number") throw malformed("a RegExp's lastIndex is no number");
  const regexp = orMalformed("a RegExp does not compile", () => new RegExp(source, flags));
  regexp.lastIndex = lastIndex;
  decoder.fill(at, regexp);
  return regexp;
}

export function readUrl(decoder: Decoder): URL {
  const at = decoder.reserve();
  const href = readString(decoder, "a URL");
  const url = orMalformed("a URL is not valid", () => new URL(href));
  decoder.fill(at, url);
  return url;
}

export function readError(decoder: Decoder): Error {
  const at = decoder.reserve();
  const kind = decoder.in.byte();
  const name = readString(decoder, "an error's name");
  const message = readString(decoder, "an error's message");
  const stack = decoder.read();
  if (stack !== undefined && typeof stack !== "string") throw malformed("an error's stack is no string");
  const error = makeError(kind, name, message, stack);
  decoder.fill(at, error);
  decoder.enter();
  for (let left = decoder.in.count(2); left > 0; left--) {
    const key = decoder.key();
    setErrorProperty(error, key, decoder.read());
  }
  decoder.leave();
  return error;
}

export function readFields(decoder: Decoder): object {
  const registered = readClass(decoder);
  if (registered.hooks !== undefined) throw malformed(`class "${registered.name}" travels by its hooks`);
  const object: object = decoder.add(Object.create(registered.prototype));
  decoder.enter();
  for (let left = decoder.in.count(2); left > 0; left--) {
    const key = decoder.key();
    define(object, key, decoder.read());
  }
  decoder.leave();
  return object;
}

export function readHooked(decoder: Decoder): object {
  const at = decoder.reserve();
  const { name, hooks } = readClass(decoder);
  if (hooks === undefined) throw malformed(`class "${name}" travels without hooks`);
  decoder.enter();
  const encoded = decoder.read();
  decoder.leave();
  const object: unknown = hooks.decode(encoded);
  if (typeof object !== "object" || object === null) throw malformed(`decode() of class "${name}" made no object`);
  decoder.fill(at, object);
  return object;
}

export function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}

function readClass(decoder: Decoder): RegisteredClass {
  const name = decoder.key();
  const registered = classNamed(name);
  if (registered === undefined) {
    throw malformed(`class ${JSON.stringify(name)} is not registered in this process; call registerClass here too`);
  }
  return registered;
}

function readString(decoder: Decoder, what: string): string {
  const value = decoder.read();
  if (typeof value !== "string") throw malformed(`${what} is no string`);
  return value;
}
