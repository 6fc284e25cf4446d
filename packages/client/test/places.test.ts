import fc from "fast-check";
import { expect, it } from "vitest";
import { Places } from "../src/places.ts";

it("gives each item the place at which it was met first, and begins anew (property)", () => {
  const things = Array.from({ length: 200 }, (_, id) => ({ id }));
  const places = new Places<object>();
  const picks = fc.array(fc.nat(199), { maxLength: 400 });
  fc.assert(
    fc.property(picks, picks, (first, picked) => {
      places.clear();
      places.addAll(first.map((id) => things[id]!));
      const expected = new Map([...new Set(first)].map((id, place) => [things[id]!, place]));
      for (const id of picked) {
        const thing = things[id]!;
        if (!expected.has(thing)) expected.set(thing, expected.size);
        expect(places.of(thing)).toBe(expected.get(thing));
      }
      expect(places.items).toEqual([...expected.keys()]);
    }),
    { seed: 1 },
  );
});
