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
  const install = ["install", "-y", "-qq", "--no-install-recommends", ...packages];
  // Where the lists of packages are old or not there, they are fetched first.
  if (await apt(install)) return { ok: true, output: "" };
  if ((await apt(["update", "-qq"])) && (await apt(install))) return { ok: true, output: "" };
  return { ok: true, output: "", skipped: `apt-get could not install it; ${missing}` };
}

function apt(args) {
  return new Promise((resolve) => {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const child = spawn("apt-get", ["-o", "DPkg::Lock::Timeout=60", ...args], {
      env,
      stdio: "ignore",
      timeout: 180_000,
    });
    child.on("error", () => resolve(false));
    child.on("close", (code) => resolve(code === 0));
  });
}
