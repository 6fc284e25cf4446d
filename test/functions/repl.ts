// Programs as a person types them into the REPL: no imports, and every declaration at the top level.
import { readFileSync } from "node:fs";
import { transformSync } from "esbuild";
import { parseSync } from "oxc-parser";

/** All that the REPL is given on stdin. It runs in the folder of the compiled programs. */
export function replInputOf(files: readonly string[]): string {
  const bound = new Set<string>();
  const programs = files.map((file) => typed(readFileSync(file, "utf8"), bound));
  return [...programs, 'require("../run-all.js").runAll().finally(() => process.exit());', ""].join("\n");
}

function typed(source: string, bound: Set<string>): string {
  // Printed anew, because the REPL takes a line that could end a statement for its end.
  const { code } = transformSync(source.replace(/(["'])(\.{1,2}\/[^"']+)\.ts\1/g, "$1$2.js$1"), {
    loader: "ts",
    target: "es2022",
    tsconfigRaw: { compilerOptions: { experimentalDecorators: true } },
  });
  const { program } = parseSync("program.js", code);
  const pieces = program.body.map((statement) => {
    if (statement.type !== "ImportDeclaration") return code.slice(statement.start, statement.end);
    const specifier = String(statement.source.value);
    const names = statement.specifiers.flatMap(({ local: { name }, ...item }) => {
      if (item.type === "ImportNamespaceSpecifier") return [`const ${name} = require("${specifier}");`];
      // The default of a builtin and of JSON is what `require` gives.
      const isWhole = specifier.startsWith("node:") || specifier.endsWith(".json");
      if (item.type === "ImportDefaultSpecifier" && isWhole) return [`const ${name} = require("${specifier}");`];
      const imported =
        item.type === "ImportSpecifier" && item.imported.type === "Identifier" ? item.imported.name : "default";
      return [`const { ${imported}: ${name} } = require("${specifier}");`];
    });
    // What an earlier program imported is there already.
    return names.filter((name) => !bound.has(name) && bound.add(name)).join("\n");
  });
  return pieces.join("\n");
}
