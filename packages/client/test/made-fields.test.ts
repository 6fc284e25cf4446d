// Functions that a class makes for each of its instances, `handle = (x) => x + this.count`: they arrive with the instance.
import { describe, expect, test } from "vitest";
import { callThere, codeOf, refusalOf, sameThere, written } from "./same-there.ts";

const base = 10;
let steps = 0;
const double = (x: number): number => x * 2;

class Handler {
  count = 1;
  handle = (x: number): number => x + this.count;
  readonly self = (): this => this;
  later = async (x: number): Promise<number> => (await x) + this.count;
  named = function named(this: Handler): number {
    return this.count;
  };
}

class Base {
  kind = "base";
  greet(name: string): string {
    return `${this.kind} ${name}`;
  }
  describe = (): string => this.kind;
  shared = (): string => `base of ${this.kind}`;
}
class Derived extends Base {
  override kind = "derived";
  shout = (name: string): string => super.greet(name).toUpperCase();
  override shared = (): string => `derived of ${this.kind}`;
}

class Guarded {
  static #limit = 3;
  static #clip(x: number): number {
    return Math.min(x, Guarded.#limit);
  }
  factor = 2;
  clip = (x: number): number => Guarded.#clip(x * this.factor);
  alone = (x: number): number => Guarded.#clip(x);
}

class Free {
  amount = 1;
  add = (x: number): [number, number] => {
    steps += this.amount;
    return [double(x) + base + this.amount, steps];
  };
}

class Assigned {
  amount: number;
  add: (x: number) => number;
  constructor(amount: number) {
    this.amount = amount;
    this.add = (x) => x + this.amount;
  }
}

describe("an instance whose class makes functions for it", () => {
  const handler = new Handler();

  test("has them, as its own", async () => {
    await sameThere(() => [handler.count, handler.handle(2), handler.handle.name, handler.handle.length]);
    await sameThere(() => [Object.keys(handler), Object.hasOwn(handler, "handle"), { ...handler }.handle(1)]);
    await sameThere(() => handler.later(4));
    await sameThere(() => handler.named());
    await sameThere(() => [handler.self() === handler, handler instanceof Handler]);
    await sameThere((given: Handler) => [given.handle(2), given.self() === given], handler);
    await sameThere((given: Handler) => [given.self() === given, given instanceof Handler], handler);
  });

  test("as it is when it travels", async () => {
    const mine = new Handler();
    const fn = () => mine.handle(0);
    mine.count = 5;
    await sameThere(fn);
    mine.count = 6;
    await sameThere(fn);
    mine.handle = () => 100;
    await sameThere(fn);
    Reflect.deleteProperty(mine, "handle");
    await sameThere(() => Object.keys(mine));
  });

  test("each has functions of its own", async () => {
    const [one, other] = [new Handler(), new Handler()];
    other.count = 7;
    await sameThere(() => [one.handle(0), other.handle(0), one.handle === other.handle]);
    await sameThere((list: Handler[]) => list.map(({ handle }) => handle(1)), [one, other, one]);
  });

  test("the function itself may stand behind it", () =>
    sameThere(
      ([given, handle]: [Handler, Handler["handle"]]) => [handle === given.handle, handle(1)],
      [handler, handler.handle],
    ));

  test("they may be set, and copies made there are as they are here", async () => {
    await sameThere(() => {
      const copy = new Handler();
      copy.count = 50;
      handler.count = 3;
      const before = [copy.handle(1), handler.handle(1), Object.keys(copy)];
      handler.handle = (x) => -x;
      return [...before, handler.handle(1), copy.handle(1), Object.getOwnPropertyNames(Handler.prototype)];
    });
    handler.count = 1;
  });
});

describe("functions that a class makes may use", () => {
  test("what stands above the class, and super", async () => {
    const derived = new Derived();
    await sameThere(() => [derived.describe(), derived.shared(), derived.shout("you"), derived.greet("me")]);
    await sameThere((given: Base) => [given.describe(), given.shared()], new Base());
    await sameThere((given: Base) => [given.describe(), given.shared()], derived);
  });

  test("private members of the class itself", async () => {
    const guarded = new Guarded();
    await sameThere(() => [guarded.clip(1), guarded.clip(5), guarded.alone(9)]);
    await sameThere((given: Guarded) => given.clip(7), guarded);
  });

  test("variables around the class, under whatever name they have there", async () => {
    const free = new Free();
    await sameThere(() => free.add(1));
    const make = (base: number, double: string) => {
      class Local {
        readonly own = 1;
        show = (): unknown[] => [base, double, this.own];
      }
      return new Local();
    };
    const [one, other] = [make(1, "a"), make(2, "b")];
    await sameThere(() => [one.show(), other.show(), free.add(2), base]);
    await sameThere(
      (a: typeof one, b: typeof one) => [a.show(), b.show(), a.constructor === b.constructor],
      one,
      other,
    );
  });

  test("the class by its own name", async () => {
    const Named = class Inner {
      static limit = 4;
      value = 2;
      room = (): number => Inner.limit - this.value;
    };
    const named = new Named();
    await sameThere(() => [named.room(), new Named().room()]);
  });
});

describe("a field", () => {
  test("that a constructor or a compiler assigns", async () => {
    const assigned = new Assigned(5);
    await sameThere(() => [assigned.add(1), new Assigned(6).add(1)]);
    const forms = [
      `constructor() { this.n = 1; define(this, "f", () => this.n); }`,
      `constructor() { this.n = 1; Object.defineProperty(this, "f", { enumerable: true, value: () => this.n }); }`,
      `n = 1; f = /* @__PURE__ */ __name(() => this.n, "f")`,
      `n = 1; "f" = () => this.n`,
      `n = 1; static x = 2; static #y = 3; f = () => this.n`,
    ];
    for (const form of forms) {
      const object = written(`(() => {
        const define = (object, key, value) => Object.defineProperty(object, key, { value, enumerable: true });
        const __name = (target, value) => Object.defineProperty(target, "name", { value });
        return new (class Written { ${form} })();
      })()`);
      await sameThere(() => [object.f(), object.f.name, Object.keys(object)]);
    }
  });

  test("that is called as something else in the engine", async () => {
    // biome-ignore lint/suspicious/noShadowRestrictedNames: users do it
    class Symbol {
      "two words" = (): string => `${this.word} ${typeof Object}`;
      __proto__ = 5;
      toString = (): string => this.word;
      word = "w";
    }
    const odd = new Symbol();
    await sameThere(() => [odd["two words"](), odd["two words"].name, `${odd}`]);
  });

  test("is refused when its function belongs to something else", () => {
    const other = new Handler();
    const copied = new Handler();
    copied.count = 70;
    copied.handle = other.handle;
    const advice = /belongs to one object, its "this"; pass \(…args\) => object\.handle\(…args\)/;
    expect(refusalOf(() => [other.count, copied.handle(1)])).toMatch(advice);
    const first = new Handler() as Handler & { also?: unknown };
    first.also = first.handle;
    Reflect.deleteProperty(first, "handle");
    expect(refusalOf(() => first)).toMatch(advice);
  });

  test("is refused when its function uses more than the class can give it", () => {
    const parameter = written(`new (class { constructor(k) { this.f = () => [k, this.f]; } })(3)`);
    expect(refusalOf(() => parameter.f())).toMatch(/uses "this"/);
    const nested = written(`new (class { n = 1; all = { f: () => this.n } })()`);
    expect(refusalOf(() => nested.all.f())).toMatch(/uses "this"/);
    const made = written(`new (class { n = 1; f = ((k) => () => this.n + k)(2) })()`);
    expect(refusalOf(() => made.f())).toMatch(/uses "this"/);
    const target = written(`new (class { constructor() { this.f = () => [new.target, this]; } })()`);
    expect(refusalOf(() => target.f())).toMatch(/uses "new\.target"|uses "this"/);
  });

  test("of an instance with private members is refused with it", () => {
    class Private {
      #check(): number {
        return 1;
      }
      handle = (): number => this.#check();
    }
    const instance = new Private();
    expect(refusalOf(() => instance.handle())).toMatch(/an instance of Private, which has private members \(#\)/);
  });
});

test("the function alone is refused, with what to pass instead", () => {
  const { handle } = new Handler();
  const advice =
    /The function handle \(.*\) cannot travel to a worker: it belongs to one object, its "this"; pass \(…args\) => object\.handle\(…args\), which takes the object along\./;
  expect(refusalOf(handle)).toMatch(advice);
  expect(refusalOf(() => handle(1))).toMatch(/it uses handle, which belongs to one object/);
});

test("what it throws comes out", async () => {
  class Failing {
    what = "broken";
    fail = (): never => {
      throw new Error(this.what);
    };
  }
  const failing = new Failing();
  expect(codeOf(() => failing.fail())).toMatch(/\$makers/);
  await expect(callThere(() => failing.fail())).rejects.toThrow("broken");
});
