// Makes the JavaScript of every package from its sources: a few files instead of hundreds, because a process that starts pays for each
// file that it loads, some 0.4 ms. What is loaded late stays in files of its own. Types come from `tsc -b`. And the status page, by Vite.
// Plain JavaScript on Rolldown alone, because it runs before anything is built.
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));
const packages = join(root, "packages");
const pageFiles = join(packages, "dashboard/dist/web");

/** Files that processes start and `require` loads by their names, and their sources; beside what `exports` names. */
const programs = {
  client: { session: "session.ts", seldom: "seldom.ts", rehearsal: "rehearsal.ts" },
  taskflock: { cli: "cli.ts" },
  tensors: { "verify-child": "install/verify-child.ts" },
  worker: { "slot-thread": "slot/thread.ts", "slot-process": "slot/process.ts" },
};

/** All lie in `dist` itself, so that code finds what lies beside its package, whichever file it came to be in. */
function doorsOf(name) {
  const { exports } = JSON.parse(readFileSync(join(packages, name, "package.json"), "utf8"));
  const doors = Object.values(exports).filter((entry) => typeof entry === "object");
  const sourceOf = (types) => types.replace(/^\.\/dist\/(.*)\.d\.ts$/, "$1.ts");
  return [
    ...doors.map((door) => [basename(door.default, ".js"), sourceOf(door.types)]),
    ...Object.entries(programs[name] ?? {}),
  ];
}

async function bundle(name) {
  const folder = join(packages, name);
  const source = existsSync(join(folder, "src")) ? join(folder, "src") : join(folder, "server");
  const dist = join(folder, "dist");
  const bundle = await rolldown({
    cwd: root,
    input: Object.fromEntries(doorsOf(name).map(([out, file]) => [out, join(source, file)])),
    external: /^[^./]/,
    platform: "node",
    transform: { target: "node20.19" },
    treeshake: false, // all of it is meant
    preserveEntrySignatures: "strict",
  });
  const { output } = await bundle.generate({
    dir: dist,
    format: "esm",
    sourcemap: true,
    chunkFileNames: "[name]-[hash].js",
  });
  await bundle.close();
  mkdirSync(dist, { recursive: true });
  const files = output.map((made) => ({ path: join(dist, made.fileName), text: made.code ?? made.source }));
  for (const file of files) replace(file);
  removeOthers(dist, new Set(files.map(({ path }) => path)));
}

/** The status page, by Vite. It takes seconds, so it is made anew only when something that it is made of is. */
async function bundlePage() {
  const folder = join(packages, "dashboard");
  const mark = join(folder, "dist/.page-inputs");
  const template = join(folder, "dist/report-template.html");
  const configs = ["vite.config.ts", "vite.report.config.ts"].map((name) => join(folder, name));
  const inputs = hashOf([
    ...filesIn(join(folder, "web")),
    ...filesIn(join(folder, "server/details")),
    ...filesIn(join(packages, "protocol/src/words")),
    ...[...configs, join(root, "package-lock.json"), fileURLToPath(import.meta.url)],
  ]);
  const isThere = [join(pageFiles, "index.html"), template, mark].every((path) => existsSync(path));
  if (isThere && readFileSync(mark, "utf8") === inputs) return;
  const { build } = await import("vite");
  const { output } = await build({ configFile: configs[0] });
  const report = await build({ configFile: configs[1] });
  const files = output.map((made) => ({ path: join(pageFiles, made.fileName), text: made.code ?? made.source }));
  // The documents last: they name the others.
  files.sort((a, b) => Number(a.path.endsWith(".html")) - Number(b.path.endsWith(".html")));
  for (const file of files) {
    mkdirSync(dirname(file.path), { recursive: true });
    replace(file);
  }
  const made = new Set(files.map(({ path }) => path));
  for (const path of filesIn(pageFiles)) if (!made.has(path)) rmSync(path, { force: true });
  replace({ path: template, text: report.output.find(({ fileName }) => fileName.endsWith(".html")).source });
  replace({ path: mark, text: inputs });
}

/** All files of a folder, in folders of it too. */
function filesIn(folder) {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function hashOf(paths) {
  const hash = createHash("sha256");
  for (const path of paths)
    hash
      .update(`${path.slice(root.length)}\n`)
      .update(readFileSync(path))
      .update("\n");
  return hash.digest("hex");
}

/** Writes what is new, as a whole: other processes may be loading the files. */
function replace({ path, text }) {
  const bytes = Buffer.from(text);
  if (existsSync(path) && readFileSync(path).equals(bytes)) return;
  const half = `${path}.${process.pid}.half`;
  writeFileSync(half, bytes);
  renameSync(half, path);
}

/** JavaScript of an earlier build, but for the page's. */
function removeOthers(folder, made) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (path === pageFiles) continue;
    if (entry.isDirectory()) removeOthers(path, made);
    else if (/\.js(\.map)?$/.test(entry.name) && !made.has(path)) rmSync(path, { force: true });
  }
}

/** What `taskflock` needs beside its code, for users without a checkout. Not there where images are built: nobody looks for it in them. */
const shipped = {
  docker: () => ["Dockerfile", "entrypoint.sh", "health.sh", "notebook", "prune.mjs", "taskflock.sh"],
  terraform: (folder) => [...readdirSync(folder).filter((name) => name.endsWith(".tf")), "templates"],
};

function ship() {
  for (const [folder, entriesOf] of Object.entries(shipped)) {
    const from = join(root, folder);
    const to = join(packages, "taskflock/dist", folder);
    if (!existsSync(from)) continue;
    const files = entriesOf(from).flatMap((entry) => {
      const path = join(from, entry);
      return statSync(path).isDirectory() ? filesIn(path) : [path];
    });
    const made = new Map(files.map((path) => [join(to, relative(from, path)), path]));
    for (const [path, source] of made) {
      mkdirSync(dirname(path), { recursive: true });
      replace({ path, text: readFileSync(source) });
    }
    for (const path of filesIn(to)) if (!made.has(path)) rmSync(path, { force: true });
  }
}

/** Rejects, having printed why, when a package cannot be bundled. Vitest calls it before any test: tests start what is in `dist`. */
export async function setup() {
  await Promise.all([...readdirSync(packages).map(bundle), bundlePage()]);
  ship();
}

// The real path, because a checkout may be reached through a link.
if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await setup();
