// The images' base, where no registry can be reached: Debian by debootstrap, with this machine's Node and npm, under the name of the
// official image, so that an unchanged Dockerfile builds on it.
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { installPackages, programPath } from "../../scripts/debian.mjs";
import { type DockerEngine, must } from "./docker-engine.ts";

const NAME = "node:20-bookworm-slim";
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";

/** What the official image does first: flags and scripts are for Node. */
const entrypoint = `#!/bin/sh
set -e
if [ "\${1#-}" != "\${1}" ] || [ -z "$(command -v "\${1}")" ]; then set -- node "$@"; fi
exec "$@"
`;

/** So that the base is there; otherwise one line that says why it cannot be. */
export async function nodeBase(engine: DockerEngine): Promise<string | null> {
  if ((await engine.run(["image", "inspect", NAME])).ok) return null;
  if ((await engine.run(["pull", "--quiet", NAME], { timeoutMs: 120_000 })).ok) return null;
  if (process.getuid?.() !== 0) return `${NAME} cannot be pulled, and only root can make one`;
  const missing = programPath("debootstrap") === undefined ? "debootstrap is missing" : undefined;
  const { skipped } = await installPackages(["debootstrap"], missing);
  if (skipped !== undefined) return `${NAME} cannot be pulled; ${skipped}`;
  const root = mkdtempSync(join(tmpdir(), "taskflock-base-"));
  try {
    await must("debootstrap", ["--variant=minbase", "--include=ca-certificates", "bookworm", root]);
    await fill(root);
    await importImage(engine, root);
    return null;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function fill(root: string): Promise<void> {
  const bin = join(root, "usr/local/bin");
  // The same package sources as outside.
  for (const name of ["sources.list", "sources.list.d"]) {
    if (existsSync(join("/etc/apt", name)))
      cpSync(join("/etc/apt", name), join(root, "etc/apt", name), { recursive: true });
  }
  cpSync(process.execPath, join(bin, "node"));
  const npm = dirname(dirname(realpathSync(programPath("npm") ?? "npm")));
  cpSync(npm, join(root, "usr/local/lib/node_modules/npm"), { recursive: true });
  for (const name of ["npm", "npx"]) symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(bin, name));
  if (!readFileSync(join(root, "etc/passwd"), "utf8").includes("node:")) {
    appendFileSync(join(root, "etc/group"), "node:x:1000:\n");
    appendFileSync(join(root, "etc/passwd"), "node:x:1000:1000::/home/node:/bin/bash\n");
    mkdirSync(join(root, "home/node"));
    await must("chown", ["1000:1000", join(root, "home/node")]);
  }
  writeFileSync(join(bin, "docker-entrypoint.sh"), entrypoint, { mode: 0o755 });
  // This machine's trust, so that npm and apt work in builds as they do outside.
  const trusted = "usr/local/share/ca-certificates";
  if (existsSync(join("/", trusted))) cpSync(join("/", trusted), join(root, trusted), { recursive: true });
  await must("chroot", [root, "update-ca-certificates"]);
  // Debian's "slim" is without these, too.
  const dispensable = ["doc", "info", "locale", "man"].map((name) => `usr/share/${name}`);
  for (const folder of [...dispensable, "var/cache/apt", "var/lib/apt/lists"]) {
    rmSync(join(root, folder), { recursive: true, force: true });
  }
  mkdirSync(join(root, "var/cache/apt/archives/partial"), { recursive: true });
}

async function importImage(engine: DockerEngine, root: string): Promise<void> {
  const changes = [
    'ENTRYPOINT ["docker-entrypoint.sh"]',
    'CMD ["node"]',
    "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ...["NODE_EXTRA_CA_CERTS", "PIP_CERT"].map((name) => `ENV ${name}=${CERTIFICATES}`),
  ];
  const archive = join(root, "..", `${root.split("/").at(-1)}.tar`);
  try {
    await must("tar", ["-C", root, "--numeric-owner", "-cf", archive, "."]);
    await engine.must(["import", ...changes.flatMap((change) => ["--change", change]), archive, NAME]);
  } finally {
    rmSync(archive, { force: true });
  }
}
