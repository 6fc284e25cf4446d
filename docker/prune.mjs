// Leaves in node_modules what the packages need to run, at the versions of package-lock.json. `npm prune --omit=dev` would keep what is
// only an optional peer as well: TensorFlow.js, WebGPU, the AWS SDK, half a gigabyte. Run by the Dockerfile in the folder of the build.
import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

const root = process.cwd();
const needed = new Set();
const manifestOf = (folder) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

/** Where Node finds a package from a folder; null: not installed, as what is for another platform. */
function resolved(name, from) {
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, "node_modules", name);
    if (existsSync(path)) return realpathSync(path);
    if (folder === root) return null;
  }
}

function need(folder) {
  if (needed.has(folder)) return;
  needed.add(folder);
  const {
    dependencies = {},
    optionalDependencies = {},
    peerDependencies = {},
    peerDependenciesMeta = {},
  } = manifestOf(folder);
  const demanded = { ...dependencies, ...peerDependencies };
  for (const name of Object.keys({ ...demanded, ...optionalDependencies })) {
    if (peerDependenciesMeta[name]?.optional === true && !(name in dependencies)) continue;
    const found = resolved(name, folder);
    if (found !== null) need(found);
    else if (!(name in optionalDependencies)) throw new Error(`${folder} needs ${name}, which is not installed`);
  }
}

/** Removes the packages of a node_modules folder that nobody needs, and goes into the others. */
function prune(modules) {
  if (!existsSync(modules)) return;
  for (const entry of readdirSync(modules)) {
    if (entry.startsWith(".")) rmSync(join(modules, entry), { recursive: true });
    else if (entry.startsWith("@")) {
      for (const name of readdirSync(join(modules, entry))) pruneOne(join(modules, entry, name));
      if (readdirSync(join(modules, entry)).length === 0) rmSync(join(modules, entry), { recursive: true });
    } else pruneOne(join(modules, entry));
  }
}

function pruneOne(path) {
  if (!needed.has(realpathSync(path))) rmSync(path, { recursive: true });
  else if (!lstatSync(path).isSymbolicLink()) prune(join(path, "node_modules"));
}

const packages = readdirSync(join(root, "packages")).map((name) => join(root, "packages", name));
for (const folder of packages) need(realpathSync(folder));
prune(join(root, "node_modules"));
for (const folder of packages) prune(join(folder, "node_modules"));
