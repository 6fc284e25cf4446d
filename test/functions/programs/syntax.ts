// Syntax that misleads who reads code by its text: defaults, destructuring, labels, tags, regular expressions that look like code.
import { program } from "../program.ts";

const base = 100;
const hidden = "outer";
const tail = ["x", "y"];

interface Options {
  readonly b?: number;
  readonly c?: readonly number[];
}
function defaults(a: number, { b = a + base, c: [d = b, ...e] = [] }: Options = {}, ...rest: number[]) {
  return [a, b, d, e.length, rest.length];
}

const shadows = (hidden: string) => {
  const seen = [hidden];
  for (const base of [1, 2]) {
    const inner = (tail = base * 10) => `${base}/${tail}`;
    seen.push(inner());
  }
  {
    const hidden = "block";
    seen.push(hidden);
  }
  try {
    throw new Error("caught");
  } catch (tail) {
    seen.push((tail as Error).message);
  }
  return [...seen, base, ...tail];
};

const tag = (parts: TemplateStringsArray, ...values: unknown[]) => parts.raw.map((part, i) => part + (values[i] ?? ""));
const texts = (x: number) => [
  tag`a${x}\n${`in ${x > 1 ? `deep ${hidden}` : "none"}`} // not a comment`,
  "import('nothing') require('nothing') `",
  /[/*"'`]\/(?<year>\d{2})\s*\}/u.exec(`'/${x}1 }`)?.groups?.["year"], // a comment with a ` and a {
  x /* base */ / 2 / 1,
];

function labels(limit: number) {
  const found: string[] = [];
  rows: for (let row = 0; ; row++) {
    for (let column = 0; column < 3; column++) {
      if (row + column > limit) break rows;
      if (column === 1) continue rows;
      found.push(`${row}${column}`);
    }
  }
  switch (found.length) {
    case 3: {
      let base = "three";
      base += hoisted();
      found.push(base);
    }
  }
  return found;
  function hoisted() {
    return tail.length;
  }
}

const operators = (value: { readonly [key: string]: unknown } | null) => {
  let base: unknown = value?.["missing"];
  base ??= 2n ** 10n;
  const { hidden: renamed = hidden, ...others } = value ?? {};
  return [base, renamed, others, 1_000 % 7, "hidden" in (value ?? {}), typeof undefined, void 0];
};

program(
  "syntax",
  {
    defaults: [7, 107, 107, 0, 0],
    given: [1, 2, 3, 1, 2],
    shadows: ["in", "1/10", "2/20", "block", "caught", 100, "x", "y"],
    texts: [["a2", "\\nin deep outer", " // not a comment"], "import('nothing') require('nothing') `", "21", 1],
    labels: ["00", "10", "20", "three2"],
    operators: [1024n, "here", { more: 1 }, 6, true, "undefined", undefined],
  },
  async (client) =>
    client.gather({
      defaults: client.submit(defaults, [7]),
      given: client.submit(defaults, [1, { b: 2, c: [3, 4] }, 5, 6]),
      shadows: client.submit(shadows, ["in"]),
      texts: client.submit(texts, [2]),
      labels: client.submit(labels, [2]),
      operators: client.submit(operators, [{ hidden: "here", more: 1 }]),
    }),
);
