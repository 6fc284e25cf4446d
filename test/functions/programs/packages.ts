// Installed packages: one of ECMAScript modules with a default export, one of CommonJS with named ones.
import withoutComments from "strip-json-comments";
import * as yamlTools from "yaml";
import { parse, stringify as toYaml } from "yaml";
import { program } from "../program.ts";

const settingsOf = (text: string) => JSON.parse(withoutComments(text));
const doubled = (text: string) => {
  const values: number[] = parse(text);
  return toYaml(values.map((value) => value * 2));
};
const kindOf = (text: string) => {
  const document = yamlTools.parseDocument(text);
  return [yamlTools.isMap(document.contents), document.errors.length];
};

program("packages", [{ depth: 3 }, "- 2\n- 4\n", [true, 0], { a: 1 }], async (client) =>
  client.gather([
    client.submit(settingsOf, ['{ /* how deep */ "depth": 3 } // end']),
    client.submit(doubled, ["[1, 2]"]),
    client.submit(kindOf, ["a: 1"]),
    client.submit(parse, ["a: 1"]),
  ]),
);
