// Weights of classes, as several classifiers take them.

import type { EncodedLabels } from "../labels.ts";

/** null: all 1; "balanced": samples / (classes × samples of the class); a record: by label, 1 where it has none. */
export type ClassWeight = null | "balanced" | Readonly<Record<string, number>>;

/** One weight per class, in the order of the classes. */
export function classWeightValues(weight: ClassWeight, { classes, codes }: EncodedLabels): Float64Array {
  const values = new Float64Array(classes.length).fill(1);
  if (weight === null) return values;
  if (weight === "balanced") {
    const counts = classCounts(classes.length, codes);
    return values.map((_, code) => codes.length / (classes.length * (counts[code] as number)));
  }
  return values.map((_, code) => weight[String(classes[code])] ?? 1);
}

/** How many samples each class has. */
export function classCounts(classes: number, codes: Int32Array): Int32Array {
  const counts = new Int32Array(classes);
  for (const code of codes) counts[code] = (counts[code] as number) + 1;
  return counts;
}
