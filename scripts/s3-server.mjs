// The server that the tests of S3 start: Ceph's radosgw. `npm test` installs it where it may: on Debian, as root.
// Plain JavaScript on Node alone, because on a fresh clone nothing else is there yet.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const programs = ["ceph", "ceph-mon", "ceph-osd", "ceph-authtool", "monmaptool", "radosgw", "radosgw-admin"];
const packages = ["ceph-mon", "ceph-osd", "radosgw", "ceph-common"];
const byHand = `apt-get install --no-install-recommends ${packages.join(" ")}`;

const has = (program) =>
  (process.env.PATH ?? "").split(delimiter).some((folder) => folder !== "" && existsSync(join(folder, program)));

/** What is missing on this machine, and how to get it; undefined when nothing is. */
export function missingS3Server() {
  const absent = programs.filter((program) => !has(program));
  if (absent.length === 0) return undefined;
  return `${absent.join(", ")} not found; on Debian and Ubuntu: ${byHand}`;
}

/** As a step of `npm test`: whether it is there now; `skipped` says why not. */
export async function installS3Server() {
  const missing = missingS3Server();
  if (missing === undefined) return { ok: true, output: "" };
  if (process.getuid?.() !== 0 || !has("apt-get")) return { ok: true, output: "", skipped: missing };
  const until = Date.now() + downloadMs;
  // Where the lists of packages are old or not there, they are fetched first. What dpkg has begun is not interrupted.
  const fetched = (await fetch(until)) || ((await apt(["update", "-qq"], until)) && (await fetch(until)));
  if (fetched && (await apt(install))) return { ok: true, output: "" };
  return { ok: true, output: "", skipped: `apt-get could not install it; ${missing}` };
}

/** Without a network it must not hold up the tests. */
const downloadMs = 120_000;
const install = ["install", "-y", "-qq", "--no-install-recommends", ...packages];
const fetch = (until) => apt([...install, "--download-only"], until);

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
