// Real OpenSSH servers on hosts of their own, with a key made for the test.
import type { ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { howToGet, installPackages, programPath } from "../../scripts/debian.mjs";
import { must, until } from "./docker-engine.ts";
import { NetHosts, whyNoHosts } from "./net-hosts.ts";

const programs = ["ssh", "ssh-keygen", "sshd"];
const packages = ["openssh-client", "openssh-server"];

export async function whyNoSsh(): Promise<string | null> {
  const noHosts = await whyNoHosts();
  if (noHosts !== null) return noHosts;
  const missing = (): string | undefined => {
    const absent = programs.filter((program) => programPath(program) === undefined);
    return absent.length === 0 ? undefined : howToGet(absent.join(", "), packages);
  };
  return (await installPackages(packages, missing())).skipped ?? missing() ?? null;
}

export class SshHosts {
  readonly net: NetHosts;
  /** Its `config` is for `ssh -F`: it knows the hosts by their names. */
  readonly folder: string;
  readonly #servers: readonly ChildProcess[];

  private constructor(net: NetHosts, folder: string, servers: readonly ChildProcess[]) {
    this.net = net;
    this.folder = folder;
    this.#servers = servers;
  }

  static async start(names: readonly string[]): Promise<SshHosts> {
    const folder = mkdtempSync(join(tmpdir(), "taskflock-ssh-"));
    const net = await NetHosts.start(names);
    for (const key of ["user", "stranger", "host"]) {
      await must("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", key, "-f", join(folder, key)]);
    }
    const hostKey = await must("cut", ["-d", " ", "-f", "1,2", join(folder, "host.pub")]);
    const known = names.map((name) => `${net.host(name).address} ${hostKey}`);
    writeFileSync(join(folder, "known_hosts"), `${known.join("\n")}\n`);
    writeFileSync(join(folder, "sshd_config"), serverSettings(folder));
    const hosts = names.map((name) => `Host ${name}\n  HostName ${net.host(name).address}`);
    const missing = `Host nowhere\n  HostName ${net.address}\n  Port 9`;
    writeFileSync(join(folder, "config"), [...hosts, missing, clientSettings(folder)].join("\n"));
    mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
    const sshd = programPath("sshd") ?? "sshd";
    const args = ["-D", "-e", "-f", join(folder, "sshd_config")];
    const servers = names.map((name) => net.host(name).spawn(sshd, args, { stdio: "ignore" }));
    const ssh = new SshHosts(net, folder, servers);
    for (const name of names) {
      const listens = (): Promise<boolean> => answers(net.host(name).address);
      await until(listens, async () => `sshd on ${name} does not answer`);
    }
    return ssh;
  }

  /** What runs on a host beside its SSH server. */
  async processes(name: string): Promise<readonly number[]> {
    const servers = new Set(this.#servers.map(({ pid }) => pid));
    return (await this.net.host(name).processes()).filter((pid) => !servers.has(pid));
  }

  async stop(): Promise<void> {
    await this.net.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function serverSettings(folder: string): string {
  const settings = [
    ...["Port 22", `HostKey ${folder}/host`, "PidFile none", "UsePAM no", "StrictModes no", "PrintMotd no"],
    ...[`AuthorizedKeysFile ${folder}/user.pub`, "PasswordAuthentication no", "PermitRootLogin prohibit-password"],
  ];
  return `${settings.join("\n")}\n`;
}

function clientSettings(folder: string): string {
  const settings = [
    "User root",
    `UserKnownHostsFile ${folder}/known_hosts`,
    "IdentitiesOnly yes",
    "StrictHostKeyChecking yes",
  ];
  return `Host *\n  ${settings.join("\n  ")}\n`;
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(22, address);
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
