// A registry of images on loopback that wants a password: Debian's docker-registry.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installPackages, programPath } from "../../scripts/debian.mjs";
import { must, until } from "./docker-engine.ts";

export class RegistryServer {
  /** `127.0.0.1:5002`; loopback, so Docker speaks plain HTTP to it. */
  readonly address: string;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(address: string, child: ChildProcess, folder: string) {
    this.address = address;
    this.#child = child;
    this.#folder = folder;
  }

  /** Or one line that says why there can be none. */
  static async start(user: string, password: string): Promise<RegistryServer | string> {
    const missing = programPath("docker-registry") === undefined ? "docker-registry not found" : undefined;
    const { skipped } = await installPackages(["docker-registry"], missing);
    if (skipped !== undefined) return skipped;
    const folder = mkdtempSync(join(tmpdir(), "taskflock-registry-"));
    const address = `127.0.0.1:${await freePort()}`;
    writeFileSync(join(folder, "htpasswd"), `${user}:${await bcrypt(password)}\n`);
    writeFileSync(join(folder, "config.yml"), settings(address, folder));
    const child = spawn("docker-registry", ["serve", join(folder, "config.yml")], { stdio: "ignore" });
    const server = new RegistryServer(address, child, folder);
    await until(
      async () => (await server.status("/v2/")) !== null,
      async () => "docker-registry does not answer",
    );
    return server;
  }

  /** The status that a path is answered with; null: nobody answers. */
  async status(path: string, authorization?: string): Promise<number | null> {
    const headers = authorization === undefined ? {} : { authorization };
    return await fetch(`http://${this.address}${path}`, { headers }).then(
      ({ status }) => status,
      () => null,
    );
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("close", resolve));
    this.#child.kill("SIGTERM");
    await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function settings(address: string, folder: string): string {
  return JSON.stringify({
    version: 0.1,
    log: { level: "error" },
    storage: { filesystem: { rootdirectory: join(folder, "data") } },
    http: { addr: address },
    auth: { htpasswd: { realm: "registry", path: join(folder, "htpasswd") } },
  });
}

/** Perl is in every Debian, and the system's crypt(3) knows it. */
async function bcrypt(password: string): Promise<string> {
  const salt = "$2y$05$abcdefghijklmnopqrstuu";
  return must("perl", ["-e", "chomp($p = <STDIN>); print crypt($p, $ARGV[0])", salt], { input: password });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
