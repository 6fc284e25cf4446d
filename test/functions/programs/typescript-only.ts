// @ts-nocheck: the repository itself does without syntax that has to be compiled; users do not.
// What only compiled TypeScript has: enums, parameter properties, namespaces, legacy decorators.
import { program } from "../program.ts";

enum Color {
  Red = 1,
  Green,
  Blue = Red + Green + 1,
}
enum Mood {
  Calm = "calm",
}
// biome-ignore lint/suspicious/noConstEnum: users write them
const enum Size {
  Small = 4,
}

namespace Units {
  export const perDozen = 12;
  export const dozens = (count: number) => count / perDozen;
}

const calls: string[] = [];
function counting(_target: object, name: string, descriptor: PropertyDescriptor): PropertyDescriptor {
  const method = descriptor.value;
  return {
    ...descriptor,
    value(...args: unknown[]) {
      calls.push(name);
      return method.apply(this, args);
    },
  };
}
function titled(label: string) {
  return (type: { label?: string }) => {
    type.label = label;
  };
}

@titled("box")
class Box {
  declare static label: string;
  constructor(
    private readonly width: number,
    public color: Color = Color.Green,
  ) {}
  @counting
  area(height: number): number {
    return this.width * height;
  }
}

const useEnums = (color: Color) => [Color[color], Color.Blue, Mood.Calm, Size.Small, Units.dozens(24)];
const useBox = (width: number) => {
  const box = new Box(width);
  const areas = [box.area(2), box.area(3)];
  return [...areas, box.color, Box.label, ...calls];
};

program(
  "typescript-only",
  [
    ["Green", 4, "calm", 4, 2],
    [10, 15, 2, "box", "area", "area"],
  ],
  async (client) => client.gather([client.submit(useEnums, [Color.Green]), client.submit(useBox, [5])]),
);
