import fc from "fast-check";
import { expect, test } from "vitest";
import { Turns } from "../src/bulk/turns.ts";

interface Running {
  readonly peer: string;
  readonly name: string;
  readonly over: () => void;
}

class Stage {
  readonly turns: Turns;
  readonly running: Running[] = [];

  constructor(total: number, perPeer: number, waiting: number) {
    this.turns = new Turns({ total, perPeer, waiting });
  }

  take(peer: string, name = peer): (() => void) | null {
    return this.turns.take(peer, (over) => this.running.push({ peer, name, over }));
  }

  end(index = 0): void {
    const [one] = this.running.splice(index, 1);
    one!.over();
    one!.over(); // twice counts once
  }

  get names(): string {
    return this.running.map(({ name }) => name).join(" ");
  }
}

test("so many run in all and per peer; the rest waits, and what is too much is turned away", () => {
  const stage = new Stage(3, 2, 2);
  for (const name of ["a1", "a2", "a3"]) stage.take("a", name);
  expect(stage.names).toBe("a1 a2");
  stage.take("b", "b1");
  stage.take("c", "c1");
  expect(stage.names).toBe("a1 a2 b1");
  expect(stage.take("d", "d1")).toBeNull();
  expect([stage.turns.running, stage.turns.waiting]).toEqual([3, 2]);
});

test("peers that wait go round: one that asks for much is served as often as one that asks for little", () => {
  const stage = new Stage(1, 1, 100);
  for (const name of ["a1", "a2", "a3", "a4"]) stage.take("a", name);
  for (const name of ["b1", "b2"]) stage.take("b", name);
  stage.take("c", "c1");
  const order: string[] = [];
  while (stage.running.length > 0) {
    order.push(stage.names);
    stage.end();
  }
  expect(order).toEqual(["a1", "a2", "b1", "c1", "a3", "b2", "a4"]);
});

test("one that is taken back does not run; one that runs cannot be", () => {
  const stage = new Stage(1, 1, 10);
  const first = stage.take("a", "a1");
  const second = stage.take("a", "a2");
  stage.take("b", "b1");
  first?.();
  second?.();
  second?.();
  expect(stage.turns.waiting).toBe(1);
  stage.end();
  expect(stage.names).toBe("b1");
});

test("bounds hold, nobody waits while there is room, and all have their turn (property)", () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("take" as const), peer: fc.constantFrom("a", "b", "c", "d") }),
    fc.record({ do: fc.constant("end" as const), at: fc.nat(20) }),
    fc.record({ do: fc.constant("takeBack" as const), at: fc.nat(20) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const stage = new Stage(4, 2, 12);
      const takeBacks: (() => void)[] = [];
      for (const one of steps) {
        if (one.do === "take") takeBacks.push(stage.take(one.peer) ?? (() => {}));
        else if (one.do === "end" && stage.running.length > 0) stage.end(one.at % stage.running.length);
        else if (one.do === "takeBack") takeBacks[one.at % Math.max(1, takeBacks.length)]?.();
        const perPeer = ["a", "b", "c", "d"].map((peer) => stage.running.filter((r) => r.peer === peer).length);
        expect(Math.max(...perPeer)).toBeLessThanOrEqual(2);
        expect(stage.running.length).toBe(stage.turns.running);
        expect(stage.turns.running).toBeLessThanOrEqual(4);
        expect(stage.turns.waiting).toBeLessThanOrEqual(12);
      }
      while (stage.running.length > 0) stage.end();
      expect([stage.turns.running, stage.turns.waiting]).toEqual([0, 0]);
    }),
  );
});
