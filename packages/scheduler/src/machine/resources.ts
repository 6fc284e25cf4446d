// Amounts of resources by their names, which are anybody's choice.

/** How much of it there is; 0 of one that is not named: also of "constructor", which every object seems to have. */
export function amountIn(resources: Readonly<Record<string, number>>, name: string): number {
  return Object.hasOwn(resources, name) ? (resources[name] ?? 0) : 0;
}
