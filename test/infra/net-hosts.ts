// Hosts with addresses, loopbacks and firewalls of their own on this machine: network namespaces on a bridge, some behind a router that
// translates addresses.
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { howToGet, installPackages, programPath } from "../../scripts/debian.mjs";
import { must, run } from "./docker-engine.ts";

const programs = ["ip", "iptables", "tc"];
const packages = ["iproute2", "iptables"];

/** Why there can be none here, in one line; null when there can. */
export async function whyNoHosts(): Promise<string | null> {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "network namespaces need Linux and root";
  const missing = (): string | undefined => {
    const absent = programs.filter((program) => programPath(program) === undefined);
    return absent.length === 0 ? undefined : howToGet(absent.join(", "), packages);
  };
  const { skipped } = await installPackages(packages, missing());
  if (skipped !== undefined) return skipped;
  const probe = `flock-probe-${process.pid}`;
  const { ok, output } = await run("ip", ["netns", "add", probe]);
  await run("ip", ["netns", "del", probe]);
  return ok ? null : `no network namespace can be made: ${output.trim()}`;
}

export class Host {
  readonly namespace: string;
  readonly address: string;

  constructor(namespace: string, address: string) {
    this.namespace = namespace;
    this.address = address;
  }

  must(program: string, ...args: string[]): Promise<string> {
    return must("ip", ["netns", "exec", this.namespace, program, ...args]);
  }

  spawn(program: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return spawn("ip", ["netns", "exec", this.namespace, program, ...args], options);
  }

  /** The processes that run there. */
  async processes(): Promise<readonly number[]> {
    const { stdout } = await run("ip", ["netns", "pids", this.namespace]);
    return stdout.split("\n").filter(Boolean).map(Number);
  }

  /** As when its cable is pulled: nothing comes, nothing goes, nobody is told. */
  async cut(): Promise<void> {
    await this.must("iptables", "--append", "INPUT", "--in-interface", "eth0", "--jump", "DROP");
    await this.must("iptables", "--append", "OUTPUT", "--out-interface", "eth0", "--jump", "DROP");
  }

  /** As by a firewall that forgot its connections: whoever sends from there is told at once that there is none. */
  async refuse(): Promise<void> {
    const reset = ["--protocol", "tcp", "--jump", "REJECT", "--reject-with", "tcp-reset"];
    await this.must("iptables", "--append", "OUTPUT", "--out-interface", "eth0", ...reset);
  }

  async heal(): Promise<void> {
    await this.must("iptables", "--flush", "INPUT");
    await this.must("iptables", "--flush", "OUTPUT");
  }

  /** What it sends goes at this rate, such as "2mbit". */
  async slow(rate: string): Promise<void> {
    await this.must(
      "tc",
      "qdisc",
      "add",
      "dev",
      "eth0",
      "root",
      "tbf",
      "rate",
      rate,
      "burst",
      "16kb",
      "latency",
      "400ms",
    );
  }

  async quick(): Promise<void> {
    await this.must("tc", "qdisc", "del", "dev", "eth0", "root");
  }
}

export class NetHosts {
  /** This machine, as the hosts see it. */
  readonly address: string;
  readonly #bridge: string;
  readonly #hosts = new Map<string, Host>();
  readonly #prefix: string;
  readonly #network: string;

  private constructor() {
    const { pid } = process;
    this.#prefix = `flock${pid}`;
    this.#bridge = `fb${pid}`;
    this.#network = `10.${100 + (pid % 100)}.${Math.floor(pid / 100) % 200}`;
    this.address = `${this.#network}.1`;
  }

  /** Names of hosts. Those behind the router reach everybody, and nobody reaches them. */
  static async start(names: readonly string[], behindRouter: readonly string[] = []): Promise<NetHosts> {
    const hosts = new NetHosts();
    try {
      await must("ip", ["link", "add", hosts.#bridge, "type", "bridge"]);
      await must("ip", ["address", "add", `${hosts.address}/24`, "dev", hosts.#bridge]);
      await must("ip", ["link", "set", hosts.#bridge, "up"]);
      await must("iptables", ["--insert", ...hosts.#letPass]); // where Docker was, nothing passes a bridge unasked
      for (const name of names) await hosts.#add(name);
      if (behindRouter.length > 0) await hosts.#addRouter(behindRouter);
      return hosts;
    } catch (error) {
      await hosts.stop();
      throw error;
    }
  }

  host(name: string): Host {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new Error(`there is no host ${name}`);
    return host;
  }

  /** Ends what runs there, and takes everything away. */
  async stop(): Promise<void> {
    for (const host of this.#hosts.values()) {
      for (const pid of await host.processes()) kill(pid);
      await run("ip", ["netns", "del", host.namespace]);
    }
    await run("iptables", ["--delete", ...this.#letPass]);
    await run("ip", ["link", "del", this.#bridge]);
  }

  get #letPass(): string[] {
    return ["FORWARD", "--in-interface", this.#bridge, "--out-interface", this.#bridge, "--jump", "ACCEPT"];
  }

  async #add(name: string): Promise<Host> {
    const index = this.#hosts.size;
    const host = new Host(`${this.#prefix}-${name}`, `${this.#network}.${11 + index}`);
    this.#hosts.set(name, host);
    const outside = `fv${process.pid}-${index}`;
    await must("ip", ["netns", "add", host.namespace]);
    await must("ip", ["link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", host.namespace]);
    await must("ip", ["link", "set", outside, "master", this.#bridge, "up"]);
    await up(host, "eth0", `${host.address}/24`);
    return host;
  }

  async #addRouter(names: readonly string[]): Promise<void> {
    const router = await this.#add("router");
    await router.must("sysctl", "-q", "-w", "net.ipv4.ip_forward=1");
    await router.must(
      "iptables",
      "--table",
      "nat",
      "--append",
      "POSTROUTING",
      "--out-interface",
      "eth0",
      "--jump",
      "MASQUERADE",
    );
    for (const [index, name] of names.entries()) {
      const host = new Host(`${this.#prefix}-${name}`, `192.168.${77 + index}.2`);
      this.#hosts.set(name, host);
      const inside = `in${index}`;
      await must("ip", ["netns", "add", host.namespace]);
      const ends = ["type", "veth", "peer", "name", "eth0", "netns", host.namespace];
      await must("ip", ["link", "add", inside, "netns", router.namespace, ...ends]);
      await up(router, inside, `192.168.${77 + index}.1/24`);
      await up(host, "eth0", `${host.address}/24`);
      await host.must("ip", "route", "add", "default", "via", `192.168.${77 + index}.1`);
    }
  }
}

async function up(host: Host, device: string, address: string): Promise<void> {
  await host.must("ip", "address", "add", address, "dev", device);
  for (const name of [device, "lo"]) await host.must("ip", "link", "set", name, "up");
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}
