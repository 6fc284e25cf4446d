// Variables that functions change: each call starts from what they are here, and whatever shares them sees the change.
import { Script } from "node:vm";
import { describe, expect, it } from "vitest";
import { callThere, refusalOf, sameThere, written } from "./same-there.ts";

let count = 7;
let strategy = () => "first";
const journal: string[] = [];
const registry = new Map<string, number>();

const next = (): number => {
  count = (count * 16_807) % 2_147_483_647;
  return count;
};
const reset = (): void => {
  count = 1;
};
function note(text: string): number {
  journal.push(text);
  return registry.set(text, journal.length).size;
}
class Reader {
  read(): number {
    return count;
  }
  static bump(): number {
    return ++count;
  }
}

describe("a variable of the module that functions change", () => {
  it("is one for all of them", async () => {
    expect(await callThere(() => [next(), count, new Reader().read(), Reader.bump(), count])).toEqual([
      117_649, 117_649, 117_649, 117_650, 117_650,
    ]);
    await sameThere(() => {
      reset();
      return [next(), next(), count];
    });
  });

  it("starts at each call from what it is here", async () => {
    count = 3;
    const twice = () => [count++, count++];
    expect([await callThere(twice), await callThere(twice)]).toEqual([
      [3, 4],
      [3, 4],
    ]);
    expect(count).toBe(3);
    count = 10;
    expect(await callThere(twice)).toEqual([10, 11]);
  });

  it("may be changed by the function itself, in every way", () =>
    sameThere(() => {
      let seen = "";
      count += 1;
      seen += count--;
      [count] = [5];
      ({ count = 9 } = {} as { count?: number });
      for (count of [1, 2]) seen += count;
      count ??= 4;
      return [seen, count];
    }));

  it("may hold a function, which another takes the place of", async () => {
    const work = () => {
      const before = strategy();
      strategy = () => `after ${before}`;
      return [before, strategy()];
    };
    expect(await callThere(work)).toEqual(["first", "after first"]);
    expect(await callThere(work)).toEqual(["first", "after first"]);
  });

  it("may hold a class, or data that changes inside", async () => {
    const there = [await callThere(() => [note("a"), note("b"), journal]), await callThere(() => [note("a"), journal])];
    expect(there).toEqual([
      [1, 2, ["a", "b"]],
      [1, ["a"]],
    ]);
    expect(journal).toEqual([]);
  });
});

describe("a variable of a function around", () => {
  const counter = (start: number) => {
    let value = start;
    return () => ++value;
  };

  it("is each closure's own", async () => {
    const [one, two] = [counter(1), counter(10)];
    await sameThere(() => [one(), one(), two(), one(), two()]);
  });

  it("is refused when two closures may share it, which cannot be seen", () => {
    const pair = (start: number) => {
      let value = start;
      return { up: () => ++value, read: () => value };
    };
    const { up, read } = pair(1);
    expect(refusalOf(() => [up(), read()])).toMatch(
      /several functions that it uses share the variable value .*and change it; keep what changes in an object \(state\.value\)/,
    );
  });

  it("is one for closures that know each other by name", async () => {
    const clock = () => {
      let time = 0;
      const tick = () => ++time;
      function read() {
        return time;
      }
      return () => [tick(), tick(), read(), time];
    };
    const [one, two] = [clock(), clock()];
    await sameThere(one);
    await sameThere(() => one());
    await sameThere(() => [one(), two(), one()]);
    const [first, second] = written(
      "(() => { const make = (start) => { let n = start; const up = () => ++n; return () => [up(), n]; }; return [make(1), make(5)]; })()",
    ) as (() => unknown)[];
    await sameThere(() => [first!(), second!(), first!()]);
  });

  it("is one for closures that know the same third one", async () => {
    const { up, read } = written(`(() => { const make = () => { let n = 0; const log = [];
      const note = (x) => { log.push(x); return x; }; return { up: () => note(++n), read: () => note(n) }; }; make(); return make(); })()`);
    await sameThere(() => [up(), up(), read()]);
  });

  it("is not one for closures that were put together from several calls", async () => {
    const make = written(`(() => { let first; return (start) => {
      let n = start; first ??= () => ++n; const inner = first; return () => [++n, inner()];
    }; })()`) as (start: number) => () => number[];
    const [one, two] = [make(1), make(5)];
    await sameThere(two);
    expect(refusalOf(one)).toMatch(/share the variable n/);
  });

  it("is not shared by closures whose surroundings differ in anything", async () => {
    const labelled = (label: string) => {
      let value = 0;
      return () => `${label}${++value}`;
    };
    const [one, two] = [labelled("a"), labelled("b")];
    await sameThere(() => [one(), two(), one()]);
  });

  it("is one when the code around it runs once", async () => {
    const { up, read } = written(
      "const own__s = (() => { let value = 1; return { up: () => ++value, read: () => value }; })(); own__s",
    );
    await sameThere(() => [up(), up(), read()]);
  });

  it("is not one when the code around it calls itself, or is a field's", async () => {
    const walked = written(
      "const made__s = []; (function walk(n) { let value = n; made__s.push(() => ++value); if (n > 0) walk(n - 1); })(2); made__s",
    ) as (() => number)[];
    await sameThere(() => [...walked, ...walked].map((fn) => fn()));
    const Fielded = written("(class { f = (() => { let n = 0; return () => ++n; })(); })") as new () => { f(): number };
    const [one, two] = [new Fielded(), new Fielded()];
    one.f();
    await sameThere(() => [one.f(), two.f(), one.f()]);
  });

  it("is one for each time that a script ran", async () => {
    const script = new Script("(() => { let n = 0; return { up: () => ++n, read: () => n }; })()");
    type Own = { up(): number; read(): number };
    const [one, two] = [script.runInThisContext() as Own, script.runInThisContext() as Own];
    one.up();
    await sameThere(() => [one.up(), two.up(), one.read(), two.read()]);
  });

  it("is each turn's own in a loop", async () => {
    const made: (() => number)[] = [];
    for (let turn = 0; turn < 3; turn++) made.push(() => turn++);
    await sameThere(() => made.map((fn) => [fn(), fn()]));
  });
});

describe("data that is captured", () => {
  it("is the same object for all that name it, and changes in one call only", async () => {
    const shared = { n: 1 };
    const add = (): number => ++shared.n;
    const holder = { shared };
    await sameThere(() => [shared.n, holder.shared === shared]);
    expect(await callThere(() => [add(), shared.n, holder.shared.n])).toEqual([2, 2, 2]);
    expect(await callThere(() => shared.n)).toBe(1);
  });

  it("is the same object as an argument", async () => {
    const shared = { n: 1 };
    expect(await callThere((value: { n: number }) => [value === shared, ++value.n, shared.n], shared)).toEqual([
      true,
      2,
      2,
    ]);
  });

  it("that is nowhere else than in the function is not there before it is set", async () => {
    expect(refusalOf(() => later)).toMatch(/it uses later, which has no value yet; submit after it is defined\./);
    const later = { set: true };
    await sameThere(() => later);
  });
});
