// biome-ignore-all lint/complexity/noStaticOnlyClass: users write them
// biome-ignore-all lint/complexity/noThisInStatic: users write it

import * as events from "node:events";
import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { callThere, refusalOf, sameThere, written } from "./same-there.ts";

// biome-ignore lint/suspicious/noExplicitAny: any class
type Type = new (...args: any[]) => any;

const base = 10;
const key = "computed";
const only = "onlyHere";
const hidden = Symbol("hidden");

class Shape {
  static count = 5;
  static kinds = ["round"];
  readonly side: number;
  constructor(side = 1) {
    this.side = side;
  }
  static make(): Shape {
    return new Shape(2);
  }
  static get total(): number {
    return Shape.count * 2;
  }
  get double(): number {
    return this.side * 2;
  }
  set double(value: number) {
    Object.assign(this, { side: value / 2 });
  }
  area(): number {
    return this.side ** 2 + base;
  }
  *[Symbol.iterator](): Generator<number> {
    yield this.side;
  }
}
class Cube extends Shape {
  #depth = 3;
  override area(): number {
    return super.area() * 6 + this.#depth + Cube.count;
  }
  static override make(): Cube {
    return new this(super.make().side + 1);
  }
  static has(value: object): boolean {
    return #depth in value;
  }
}
class Plain {
  a = 1;
  b = { c: 2 };
}
class Emitter extends EventEmitter {
  hello(): string {
    return "hi";
  }
}
class Named extends events.EventEmitter {}
class Failure extends RangeError {
  override name = "Failure";
  readonly code = 7;
}
class Nothing extends (null as unknown as Type) {
  static only(): number {
    return 1;
  }
}

describe("classes travel with what they are", () => {
  it.each<[string, () => unknown]>([
    [
      "fields, methods, accessors",
      () => [new Shape(3).area(), new Shape(3).double, Object.assign(new Shape(), { double: 8 }).side],
    ],
    ["static fields, methods, accessors", () => [Shape.count, Shape.kinds, Shape.make().side, Shape.total]],
    [
      "what they inherit, also static",
      () => [new Cube(2).area(), Cube.make().side, Cube.count, Cube.kinds === Shape.kinds],
    ],
    ["private members", () => [Cube.has(new Cube()), Cube.has({})]],
    ["iterators", () => [...new Cube(4)]],
    ["instanceof", () => [new Cube() instanceof Shape, Shape.make() instanceof Cube, new Cube().constructor === Cube]],
    ["names", () => [Shape.name, Cube.name, Object.getOwnPropertyNames(Shape.prototype), Object.keys(Shape)]],
    ["a class of Node above", () => [new Emitter().hello(), new Emitter() instanceof EventEmitter]],
    ["a member of a namespace above", () => new Named().on("x", () => 1).listenerCount("x")],
    [
      "an error class",
      () => [new Failure("no").message, new Failure("no").code, new Failure("") instanceof RangeError],
    ],
    ["extends null", () => [Nothing.only(), Object.getPrototypeOf(Nothing.prototype)]],
  ])("%s", (_, fn) => sameThere(fn));

  it("as the value of an expression, with and without a name", async () => {
    const anonymous = class {
      value = base;
    };
    const named = class Inner {
      self(): unknown {
        return Inner;
      }
    };
    const [listed] = [class {}];
    await sameThere(() => [anonymous.name, new anonymous().value, named.name, new named().self() === named]);
    await sameThere(() => listed?.name);
  });

  it("as mixins, each with what it extends", async () => {
    const Counted = (Parent: Type) =>
      class extends Parent {
        count(): number {
          return super.area() + 1;
        }
      };
    const Tagged = (Parent: Type, tag: string) =>
      class extends Parent {
        tag(): string {
          return tag + super.count();
        }
      };
    const One = Tagged(Counted(Shape), "one");
    const Two = Tagged(Counted(Cube), "two");
    await sameThere(() => [new One(2).tag(), new Two(2).tag(), new Two(1) instanceof Cube, new One(1) instanceof Cube]);
  });

  it("in an argument, with an instance, and by the function's own name for it", async () => {
    const isShape = ({ type }: { type: Type }, value: unknown) => [type === Shape, value instanceof Shape];
    await sameThere(isShape, { type: Shape }, new Shape(2));
  });
});

describe("computed names of members", () => {
  class Keyed {
    // @ts-expect-error: a name that the compiler does not know
    static [`${key}1`] = 4;
    static [hidden] = 6;
    // @ts-expect-error: a name that the compiler does not know
    [`${key}Field`] = 9;
    [only](): number {
      return 1;
    }
    get [`${key}2`](): number {
      return 2;
    }
    static async *[Symbol.for("each")](): AsyncGenerator<number> {
      yield 3;
    }
    [hidden](): number {
      return 5;
    }
  }
  const type = Keyed as unknown as Type & Record<string | symbol, never>;

  it("are the names that they have, also when nothing else knows them", () =>
    sameThere(() => {
      const made = new type();
      return [made.onlyHere(), made.computed2, made.computedField, type["computed1"], made[hidden](), type[hidden]];
    }));

  it("are counted", () => sameThere(() => [Reflect.ownKeys(type.prototype).length, Reflect.ownKeys(type).length]));

  it("are there before captured values that hold functions", async () => {
    const parts = { call: () => base, type: Keyed };
    const field = `${key}Late`;
    class Late {
      [field] = parts;
      own(): string {
        return field;
      }
    }
    await sameThere(() => [Object.keys(new Late()), new Late().own(), parts.call(), parts.type === Keyed]);
    const object = { name: "own" };
    class Refused {
      [object.name] = parts.call();
    }
    expect(refusalOf(() => [new Refused(), parts.call()])).toMatch(/class Refused, which names a field by object/);
    let changing = "first";
    class Changing {
      [changing] = 1;
      own(): string {
        return changing;
      }
    }
    changing = "second";
    expect(refusalOf(() => new Changing())).toMatch(
      /class Changing, which names a field by changing, and that may have/,
    );
  });

  it("are refused for fields when the engine has forgotten them", () => {
    const forgetful = written(`(() => { const k = "x" + 1; return class Forgetful { [k] = 1; }; })()`) as Type;
    expect(refusalOf(() => new forgetful())).toMatch(/class Forgetful, which names a field by k, .*write the name out/);
  });
});

describe("what was done to a class later", () => {
  it("static values that changed", async () => {
    class Settings {
      static limit = 10;
      static names = ["a"];
    }
    const read = () => [Settings.limit, Settings.names];
    await sameThere(read);
    Settings.limit = 20;
    Settings.names.push("b");
    await sameThere(read);
    Object.assign(Settings, { later: () => base });
    await sameThere(() => (Settings as unknown as { later(): number }).later());
  });

  it("methods that were put on it, replaced, removed", async () => {
    class Patched {
      one(): number {
        return 1;
      }
      two(): number {
        return 2;
      }
    }
    const made = () => {
      const patched = new Patched() as unknown as Record<string, () => unknown>;
      return [patched["one"]?.(), patched["two"]?.(), patched["three"]?.(), Object.keys(Patched.prototype)];
    };
    await sameThere(made);
    Patched.prototype.one = () => base;
    await sameThere(made);
    Object.assign(Patched.prototype, { three: Patched.prototype.two });
    await sameThere(made);
    Reflect.deleteProperty(Patched.prototype, "two");
    await sameThere(made);
    Object.defineProperty(Patched.prototype, "three", { get: () => () => "got" });
    await sameThere(made);
    Object.assign(Patched.prototype, { [Symbol.iterator]: Array.prototype.values });
    await sameThere(() => typeof (Patched.prototype as unknown as Iterable<unknown>)[Symbol.iterator]);
  });

  it("its name, its length, its constructor", async () => {
    class Renamed {
      static length = 7 as never;
    }
    Object.defineProperty(Renamed, "name", { value: "Other" });
    class Own {
      static name = "own";
    }
    await sameThere(() => [Renamed.name, Renamed.length, Own.name, (Renamed as Type).length]);
  });
});

describe("private static fields", () => {
  class Counter {
    static #count = 0;
    static readonly #seen: number[] = [];
    static #step = () => 1;
    static next(): number {
      Counter.#seen.push(Counter.#count);
      Counter.#count += Counter.#step();
      return Counter.#count;
    }
    static all(): unknown {
      return [this.#count, this.#seen];
    }
    static double(): void {
      Counter.#step = () => 2;
    }
  }

  it("have the values that they have now, and change in one call only", async () => {
    const work = () => [Counter.next(), Counter.all()];
    await sameThere(work);
    Counter.double();
    await sameThere(work);
  });
});

describe("state that a class or function keeps", () => {
  it("starts at each call from what it is here", async () => {
    class Once {
      static handler = () => "first";
      static replace(): void {
        this.handler = () => "second";
      }
    }
    const memo = Object.assign((n: number) => (memo.known ??= n), { known: undefined as number | undefined });
    const work = (n: number) => {
      const before = [Once.handler(), memo(n)];
      Once.replace();
      return before;
    };
    expect([await callThere(work, 1), await callThere(work, 2)]).toEqual([
      ["first", 1],
      ["first", 2],
    ]);
  });
});

describe("old-style classes", () => {
  it("with methods on their prototypes, and what they inherit", async () => {
    const { Animal, Dog, Watched } = written(`(() => {
      function Animal(name) { this.name = name; }
      Animal.prototype.speak = function () { return this.name + " speaks"; };
      Animal.create = function (name) { return new this(name); };
      function Dog(name) { Animal.call(this, name); }
      Dog.prototype = Object.create(Animal.prototype);
      Dog.prototype.constructor = Dog;
      Dog.prototype.bark = function () { return this.speak() + ", barks"; };
      Object.setPrototypeOf(Dog, Animal);
      function Watched() {}
      Watched.prototype = { get value() { return 4; }, own: 5 };
      return { Animal, Dog, Watched };
    })()`) as Record<string, Type & { create(name: string): { bark(): string } }>;
    await sameThere(() => {
      const dog = new Dog!("Rex");
      const { value, own, constructor: maker } = new Watched!();
      return [
        dog.bark(),
        dog instanceof Animal!,
        Dog!.create("Max").bark(),
        Object.keys(Dog!.prototype),
        value,
        own,
        maker === Object,
      ];
    });
  });

  it("that inherit from Node's", async () => {
    const Emits = function (this: object) {
      EventEmitter.call(this as EventEmitter);
    } as unknown as Type;
    Object.setPrototypeOf(Emits.prototype, EventEmitter.prototype);
    await sameThere(() => new Emits().on("x", () => 1).listenerCount("x"));
  });

  it("are refused when they inherit from an object of no class", () => {
    const Odd = written(
      "(() => { function Odd() {} Object.setPrototypeOf(Odd.prototype, { odd: 1 }); return Odd; })()",
    ) as Type;
    expect(refusalOf(() => new Odd())).toMatch(
      /Odd, whose prototype inherits from an object of no class.*class that extends/,
    );
  });
});

describe("instances", () => {
  const shape = new Shape(4);
  const plain = Object.assign(new Plain(), { more: [1] });

  it("that are captured have their class and their fields", () =>
    sameThere(() => [shape.area(), shape instanceof Shape, plain, plain instanceof Plain, Object.keys(plain)]));

  it("that are passed, too", () => sameThere((value: Shape) => [value.area(), value.constructor.name], new Shape(3)));

  it("of the class that the function names", () =>
    sameThere(
      (value: Shape) => [value instanceof Shape, Shape.make().constructor === value.constructor],
      new Shape(3),
    ));

  it("of classes with private fields are refused, captured and passed", () => {
    const cube = new Cube(1);
    expect(refusalOf(() => cube.area())).toMatch(
      /captures cube, an instance of Cube, which has private (?:fields|members).*make it inside/,
    );
    expect(refusalOf((value: Cube) => value.area(), [cube])).toMatch(
      /args\[0\] is an instance of Cube, .*private (?:fields|members)/,
    );
  });

  it("of classes above which the engine keeps state are refused", () => {
    class Table extends Map<string, number> {}
    const table = new Table([["a", 1]]);
    expect(refusalOf(() => table.get("a"))).toMatch(/table/);
    class Later extends Promise<number> {}
    const later = Later.resolve(1);
    expect(refusalOf(() => later)).toMatch(/captures later, an instance of Later, which extends Promise, whose state/);
  });
});
