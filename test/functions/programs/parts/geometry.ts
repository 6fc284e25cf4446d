// A file beside the programs, with imports and state of its own.
import { format } from "node:util";
import * as constants from "./constants.ts";
import { roundPi } from "./constants.ts";

const areas = new Map<number, number>();

export const unit = "m";

/** Remembers what it computed. */
export function areaOf(radius: number): number {
  const known = areas.get(radius) ?? square(radius) * roundPi;
  areas.set(radius, known);
  return known;
}

export const cached = (): number => areas.size;

export class Circle {
  readonly radius: number;
  constructor(radius: number) {
    this.radius = radius;
  }
  toString(): string {
    return format("circle of %d%s, %d around", this.radius, unit, 2 * roundPi * this.radius);
  }
}

function square(side: number): number {
  return side ** 2;
}

/** A default export, because users write them. */
export default (side: number): number => side * constants.sides.square;
