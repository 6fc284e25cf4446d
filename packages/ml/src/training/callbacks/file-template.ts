// Names of files with figures in them, as Python's str.format fills them: {epoch:02d}, {valLoss:.2f}.
import { FlockError } from "@taskflock/protocol/words";

const field = /\{(\w+)(?::(0?)(\d*)(?:\.(\d+))?([dfeg]?))?\}/g;

/** Errors: FLOCK_OPTION_INVALID, with the name that there is no figure for. */
export function fillTemplate(template: string, values: Readonly<Record<string, number>>): string {
  return template.replace(field, (whole, name: string, zero: string, width: string, digits: string, type: string) => {
    const value = values[name];
    if (value === undefined)
      throw new FlockError(
        "FLOCK_OPTION_INVALID",
        `There is no figure for ${whole} in the file name ${JSON.stringify(template)}. There are: ${Object.keys(values).join(", ")}.`,
      );
    const text = formatted(value, type, digits === undefined ? null : Number(digits));
    // Zeros go between the sign and the digits.
    const sign = zero === "0" && text.startsWith("-") ? "-" : "";
    return sign + text.slice(sign.length).padStart(Number(width || 0) - sign.length, zero || " ");
  });
}

function formatted(value: number, type: string, digits: number | null): string {
  if (type === "f") return value.toFixed(digits ?? 6);
  // Python writes at least two digits of the exponent.
  if (type === "e") return value.toExponential(digits ?? 6).replace(/e([+-])(\d)$/, "e$10$2");
  if (type === "d") return String(Math.trunc(value));
  return digits === null ? String(value) : String(Number(value.toPrecision(digits)));
}
