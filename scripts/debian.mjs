// Programs that tests need and npm does not have: `npm test` installs them where it may, on Debian and Ubuntu, as root.
// Plain JavaScript on Node alone, because on a fresh clone nothing else is there yet.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Without a network it must not hold up the tests. */
const downloadMs = 120_000;

/** The program's path, or undefined. */
export function programPath(program) {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

/** One line of what is missing, and how to get it by hand. */
export function howToGet(absent, packages) {
  return `${absent} not found; on Debian and Ubuntu: apt-get install --no-install-recommends ${packages.join(" ")}`;
}

/** As a step of `npm test`: whether it is there now; `skipped` says why not. `missing` says it in a line, or undefined. */
export async function installPackages(packages, missing) {
  if (missing === undefined) return { ok: true, output: "" };
  if (process.getuid?.() !== 0 || programPath("apt-get") === undefined)
    return { ok: true, output: "", skipped: missing };
  const until = Date.now() + downloadMs;
  const install = ["install", "-y", "-qq", "--no-install-recommends", ...packages];
  const fetch = () => apt([...install, "--download-only"], until);
  // Where the lists of packages are old or not there, they are fetched first. What dpkg has begun is not interrupted.
  const fetched = (await fetch()) || ((await apt(["update", "-qq"], until)) && (await fetch()));
  if (fetched && (await apt(install))) return { ok: true, output: "" };
  return { ok: true, output: "", skipped: `apt-get could not install it; ${missing}` };
}

function apt(args, until) {
  const timeout = until === undefined ? undefined : Math.max(until - Date.now(), 1);
  const settings = ["DPkg::Lock::Timeout=60", "Acquire::Retries=1", "Acquire::http::Timeout=15"];
  return new Promise((resolve) => {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const options = settings.flatMap((setting) => ["-o", setting]);
    const child = spawn("apt-get", [...options, ...args], { env, stdio: "ignore", timeout });
    child.on("error", () => resolve(false));
    child.on("close", (code) => resolve(code === 0));
  });
}
