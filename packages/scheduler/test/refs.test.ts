import fc from "fast-check";
import { expect, test } from "vitest";
import { Refs } from "../src/machine/refs.ts";
import { Stage } from "./machine-stage.ts";

test("references are added, found and taken back, however many there are", () => {
  const sessions = [{ id: 1 }, { id: 2 }, { id: 3 }] as never[];
  const act = fc.record({ adds: fc.boolean(), of: fc.nat(2), n: fc.nat(40) });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
      const refs = new Refs();
      const model = new Set<string>();
      for (const { adds, of, n } of acts) {
        const name = `${of + 1} ${n}`;
        if (adds && !model.has(name)) refs.add(sessions[of]!, n as never);
        if (!adds) refs.delete(sessions[of]!, n as never);
        if (adds) model.add(name);
        else model.delete(name);
      }
      expect(refs.size).toBe(model.size);
      expect([...refs].map(({ session, n }) => `${session.id} ${n}`).sort()).toEqual([...model].sort());
    }),
  );
});

test("a client that refers to one task 200,000 times leaves in no time", { timeout: 20_000 }, () => {
  const stage = new Stage();
  stage.check = "none";
  stage.client(1);
  stage.client(2);
  stage.submit(1, 1, { key: "shared" });
  const again = Array.from({ length: 200_000 }, (_, i) => stage.submission(i + 2, { key: "shared" }));
  stage.say(1, ...again.slice(0, 100_000));
  stage.say(2, ...again.slice(100_000));
  expect(stage.leftOver()).toEqual([]);
});

test("a task that names one input a million times is refused: that would take a few bytes to say, and a hundred million to keep", () => {
  const stage = new Stage();
  stage.client(1);
  stage.submit(1, 1);
  stage.submit(1, 2, { deps: new Array(1_000_000).fill(1) });
  expect(stage.outcomes()).toEqual(["failed 2 FLOCK_PROTOCOL"]);
  expect(stage.leftOver()).toEqual([]);
});
