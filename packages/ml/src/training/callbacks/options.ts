// What options of callbacks may be. They are checked where the callback is made: on the client, before anything runs.
import type { Check } from "../../estimators/parameter-checks.ts";

export const text: Check = (value) => (typeof value === "string" && value !== "" ? null : "a text");
export const atLeastZero: Check = (value) =>
  typeof value === "number" && Number.isFinite(value) && value >= 0 ? null : "a number, 0 or above";
export const numberOrNull: Check = (value) =>
  value === null || (typeof value === "number" && !Number.isNaN(value)) ? null : "a number or null";
