// Files beside the program: named, default and namespace imports, with imports and constants of their own; and one of JSON.
import { program } from "../program.ts";
import * as geometry from "./parts/geometry.ts";
import aroundSquare, { areaOf, Circle, unit } from "./parts/geometry.ts";
import model from "./parts/model.json" with { type: "json" };

const measure = (radius: number) => [`${areaOf(radius)} ${unit}²`, aroundSquare(radius), String(new Circle(radius))];
const whole = (radius: number) => {
  const before = geometry.cached();
  return [geometry.areaOf(radius) + geometry.areaOf(radius), geometry.cached() - before, geometry.default(radius)];
};
const predict = (x: number) => model.coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0);

program("siblings", [["12 m²", 8, "circle of 2m, 12 around"], [24, 1, 8], 17, 12], async (client) =>
  client.gather([
    client.submit(measure, [2]),
    client.submit(whole, [2]),
    client.submit(predict, [2]),
    client.submit(areaOf, [2]),
  ]),
);
