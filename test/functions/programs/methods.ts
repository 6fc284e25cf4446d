// Methods and properties that hold functions, none of which uses `this`.
import { program } from "../program.ts";

const surcharge = 5;

const toolbox = {
  double(x: number): number {
    return 2 * x;
  },
  add: (x: number, y: number): number => x + y + surcharge,
  ["com" + "puted"](x: number): number {
    return toolbox.double(x) + 1;
  },
  async later(x: number): Promise<number> {
    return x - 1;
  },
  named: function inner(x: number): number {
    return x <= 0 ? 0 : 1 + inner(x - 1);
  },
  get(x: number): number {
    return x;
  },
  static: (x: number): number => -x,
};

class Tools {
  static triple(x: number): number {
    return 3 * x;
  }
  static async(x: number): number {
    return x / 2;
  }
  halve = (x: number): number => x / 2;
  square(x: number): number {
    return x * x + surcharge;
  }
}
const tools = new Tools();
const computed = toolbox["computed"] as (x: number) => number;

program("methods", [20, 16, 21, 9, 10, 10, -10, 30, 5, 5, 105], async (client) =>
  client.gather([
    client.submit(toolbox.double, [10]),
    client.submit(toolbox.add, [10, 1]),
    client.submit(computed, [10]),
    client.submit(toolbox.later, [10]),
    client.submit(toolbox.named, [10]),
    client.submit(toolbox.get, [10]),
    client.submit(toolbox.static, [10]),
    client.submit(Tools.triple, [10]),
    client.submit(Tools.async, [10]),
    client.submit(tools.halve, [10]),
    client.submit(tools.square, [10]),
  ]),
);
