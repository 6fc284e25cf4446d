import { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { decodeValue, encodeValue } from "../src/value/index.ts";
import { FlockError, isFlockError } from "../src/words/errors.ts";

function roundTrip<T>(value: T): T {
  return decodeValue(encodeValue(value).toBytes()) as T;
}

describe("errors", () => {
  it("come back as their class with message, stack, cause and properties", () => {
    for (const type of [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]) {
      const cause = new Error("below");
      const error = Object.assign(new type("what", { cause }), { code: "E_X", detail: { n: [1] } });
      const decoded = roundTrip(error);
      expect(decoded).toBeInstanceOf(type);
      expect(Object.getPrototypeOf(decoded)).toBe(type.prototype);
      expect(decoded).toMatchObject({ message: "what", code: "E_X", detail: { n: [1] } });
      expect(decoded.stack).toBe(error.stack);
      expect((decoded.cause as Error).message).toBe("below");
      expect(Object.keys(decoded)).toEqual(["code", "detail"]);
    }
  });

  it("keep a FlockError's code", () => {
    const decoded = roundTrip(new FlockError("FLOCK_TIMEOUT", "late", { cause: 1 }));
    expect(decoded).toBeInstanceOf(FlockError);
    expect(isFlockError(decoded, "FLOCK_TIMEOUT")).toBe(true);
    expect([decoded.name, decoded.message, decoded.cause]).toEqual(["FlockError", "late", 1]);
  });

  it("keep the errors of an AggregateError, and a DOMException's name", () => {
    const decoded = roundTrip(new AggregateError([new TypeError("a"), "b"], "both"));
    expect(decoded).toBeInstanceOf(AggregateError);
    expect(decoded.errors[0]).toBeInstanceOf(TypeError);
    expect(decoded.errors[1]).toBe("b");
    const aborted = roundTrip(new DOMException("stop", "AbortError"));
    expect(aborted).toBeInstanceOf(DOMException);
    expect([aborted.name, aborted.message]).toEqual(["AbortError", "stop"]);
  });

  it("of a user's class keep its name, over the nearest standard class", () => {
    class ShapeError extends TypeError {}
    class Named extends Error {
      override name = "GivenName";
    }
    const decoded = roundTrip([new ShapeError("x"), new Named("y")]);
    expect(decoded[0]).toBeInstanceOf(TypeError);
    expect(decoded.map((error) => error.name)).toEqual(["ShapeError", "GivenName"]);
    class Plain extends Error {}
    expect(String(roundTrip(new Plain("z")))).toBe("Plain: z");
  });

  it("may contain themselves", () => {
    const error = new Error("round");
    error.cause = { error };
    const decoded = roundTrip(error);
    expect((decoded.cause as { error: Error }).error).toBe(decoded);
  });

  it("always travel: what cannot is replaced, and references behind it still hold", () => {
    const shared = { kept: true };
    const error = Object.assign(new Error("down"), {
      code: "ECONNRESET",
      request: { shared, deep: [new Uint8Array(5), { socket: new Socket() }] },
      after: shared,
      view: new Uint8Array([7]),
    });
    Object.defineProperty(error, "bad", {
      enumerable: true,
      get: () => {
        throw new Error("no luck");
      },
    });
    const decoded = roundTrip([error, shared]) as [typeof error & { bad: unknown }, typeof shared];
    expect(decoded[0].code).toBe("ECONNRESET");
    expect(decoded[0].request).toBe("[an Object that cannot travel]");
    expect(decoded[0].bad).toBe("[an undefined that cannot travel]");
    expect(decoded[0].after).toBe(decoded[1]);
    expect([...decoded[0].view]).toEqual([7]);
  });
});
