import { submitCost } from "@taskflock/protocol/words";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defaultSchedulerConfig, SchedulerMachine } from "../src/machine/index.ts";
import { World, worldConfig } from "./machine-world.ts";

const tapes = fc.array(fc.nat(2 ** 30), { minLength: 50, maxLength: 500 });

function play(tape: readonly number[], world: World = new World()): World {
  // A world that starts with somebody in it.
  for (const choice of [10, 100, 10]) world.act(choice);
  for (const choice of tape) world.act(choice);
  return world;
}

describe("whatever happens", () => {
  it("invariants hold, every reference gets its outcome, and nothing is left over", () => {
    const property = fc.property(tapes, (tape) => {
      const world = play(tape);
      world.quiesce();
      expect(world.unanswered()).toEqual([]);
      expect(world.stage.leftOver()).toEqual([]);
    });
    fc.assert(property, { seed: 20260901, numRuns: 400 });
  });

  it("when all has ended, all that was submitted has been credited", () => {
    const property = fc.property(tapes, (tape) => {
      const world = new World();
      const credited = new Map<number, number>();
      const { stage } = world;
      const toClient = stage.toClient.bind(stage);
      stage.toClient = (session, message) => {
        if (message.t === "credit") credited.set(session, message.bytes);
        toClient(session, message);
      };
      play(tape, world);
      world.quiesce();
      for (const session of stage.machine.sessions()) {
        const said = stage.events.flatMap((e) => (e.e === "clientMessages" && e.session === session ? e.messages : []));
        const cost = said.reduce((sum, m) => sum + (m.t === "submit" ? submitCost(m.argsBytes) : 0), 0);
        expect(credited.get(session) ?? 0).toBe(cost);
      }
    });
    fc.assert(property, { seed: 20261121, numRuns: 100 });
  });

  it("the same events lead to the same state", () => {
    const silent = { toWorker() {}, toClient() {}, wakeAt() {}, free() {}, closeWorker() {} };
    const property = fc.property(tapes, (tape) => {
      const { stage } = play(tape);
      const config = { ...defaultSchedulerConfig, ...worldConfig, storyLines: 5000 };
      const again = new SchedulerMachine(config, silent);
      for (const event of stage.events) again.step(event);
      expect(again.digest()).toBe(stage.machine.digest());
    });
    fc.assert(property, { seed: 20260902, numRuns: 20 });
  });
});
