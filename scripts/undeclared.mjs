// What the built files of a package import and its manifest does not name: whoever installs the package would not have it. Sources
// alone do not tell, because the bundler may add imports of its own.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { parseSync } from "oxc-parser";

/** A line for each import of `folder`/dist that the package's manifest does not answer for. */
export function undeclaredImports(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const { name, dependencies, peerDependencies, optionalDependencies } = manifest;
  const declared = new Set([name, ...Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies })]);
  const dist = join(folder, "dist");
  const files = existsSync(dist) ? readdirSync(dist).filter((file) => file.endsWith(".js")) : [];
  return files.flatMap((file) =>
    importsOf(file, readFileSync(join(dist, file), "utf8"))
      .filter((specifier) => !specifier.startsWith(".") && !isBuiltin(specifier) && !declared.has(packageOf(specifier)))
      .map((specifier) => `${name}: dist/${file} imports "${specifier}", which its package.json does not name`),
  );
}

/** Specifiers of `import`, `export … from` and `import("…")`. */
function importsOf(file, text) {
  const { module } = parseSync(file, text);
  const reExports = module.staticExports.flatMap(({ entries }) => entries.map(({ moduleRequest }) => moduleRequest));
  const dynamic = module.dynamicImports.map(({ moduleRequest: { start, end } }) => text.slice(start, end));
  return [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...reExports.flatMap((request) => (request === null || request === undefined ? [] : [request.value])),
    // What is computed is no text.
    ...dynamic.flatMap((code) => /^(["'`])([^"'`$]+)\1$/.exec(code)?.[2] ?? []),
  ];
}

function packageOf(specifier) {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}
