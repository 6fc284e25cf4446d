// Makes the checkout ready to run: installs what package-lock.json names and builds, each only when out of date.
// Plain JavaScript on Node alone, because on a fresh clone nothing else is there yet.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** The script behind a dependency's command, so that Node can run it on every platform without a shell. */
export const command = (name, bin) => join(root, "node_modules", name, bin);

const packagesOf = (path) => JSON.parse(readFileSync(join(root, path), "utf8")).packages;

/**
 * Whether node_modules holds exactly what package-lock.json names. npm writes what it installed to a lockfile of its own
 * inside node_modules; the two must agree. Entries of other platforms are optional and may be absent there.
 */
export function installed() {
  const hidden = "node_modules/.package-lock.json";
  if (!existsSync(join(root, hidden))) return false;
  const wanted = packagesOf("package-lock.json");
  const present = packagesOf(hidden);
  const ours = (path) => path.startsWith("node_modules/");
  return (
    Object.keys(present).every((path) => !ours(path) || path in wanted) &&
    Object.entries(wanted).every(([path, entry]) => {
      const found = present[path];
      if (!ours(path)) return true;
      if (found === undefined) return entry.optional === true || entry.devOptional === true;
      return found.version === entry.version && found.integrity === entry.integrity && found.link === entry.link;
    })
  );
}

/** Runs Node with these arguments; resolves to whether it ended well, and what it printed: all, and on stdout alone. */
export function runNode(args, options) {
  return run(process.execPath, args, options);
}

function run(program, args, options) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"], ...options });
    const all = [];
    const out = [];
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => all.push(chunk));
    child.stdout.on("data", (chunk) => out.push(chunk));
    const text = (chunks) => Buffer.concat(chunks).toString("utf8");
    const finish = (ok, note) => resolve({ ok, output: text(all) + note, stdout: text(out) });
    child.on("error", (error) => finish(false, `${error.message}\n`));
    child.on("close", (code, signal) => finish(code === 0, signal === null ? "" : `ended by ${signal}\n`));
  });
}

/** npm names itself in the environment when it started us; otherwise it is found on the path. */
export function runNpm(args, options = {}) {
  const npm = process.env.npm_execpath;
  if (npm?.endsWith("npm-cli.js")) return runNode([npm, ...args], options);
  return run("npm", args, { shell: process.platform === "win32", ...options });
}

/** `npm ci`: exactly what package-lock.json names. */
export function install() {
  // Under `npm test --silent` npm would keep to itself why it failed.
  return runNpm(["ci", "--no-fund", "--no-audit", "--loglevel=error"]);
}

/** `tsc -b`, which itself checks only what changed, and makes the types; then the JavaScript. */
export async function build() {
  const types = await runNode([command("typescript", "bin/tsc"), "-b"]);
  return types.ok ? runNode([join(root, "scripts/bundle.mjs")]) : types;
}

/** Ends the process when a step fails. Speaks on stderr: stdout belongs to the command that follows. */
async function ensure() {
  if (!installed()) {
    process.stderr.write("Installing dependencies (npm ci) and building: about half a minute, the first time only.\n");
    await demand("Installing dependencies (npm ci)", install);
  }
  await demand("Building", build);
}

async function demand(name, step) {
  const { ok, output } = await step();
  if (ok) return;
  process.stderr.write(`${name} failed:\n${output}`);
  process.exit(1);
}

// The real path, because a checkout may be reached through a link.
if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await ensure();
