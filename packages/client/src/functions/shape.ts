// Which functions a class or function has as its properties: when that changes, so does the code that travels.

/** Keys, each with the functions that it holds; other values are looked at on their own. */
export function shapeOf(object: object): readonly unknown[] {
  const shape: unknown[] = [];
  for (const key of Reflect.ownKeys(object)) {
    if (key === "constructor" || key === "prototype" || key === "arguments" || key === "caller") continue;
    const { value, get, set } = Object.getOwnPropertyDescriptor(object, key) ?? {};
    shape.push(key, typeof value === "function" ? value : get, set);
  }
  return shape;
}

export function isSameShape(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((part, index) => part === other[index]);
}
