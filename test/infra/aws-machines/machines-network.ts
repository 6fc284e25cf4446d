// The network of the instances: a bridge of the test's own, on which the metadata service has its real address. It goes with `close`.
import { connect, createServer, type Server } from "node:net";
import { type DockerEngine, must, run } from "../docker-engine.ts";
import { metadataAddress } from "./metadata.ts";

/** Answers to machines carry so many hops: the limit that terraform/ sets for them. */
const hopRule = [
  "-t",
  "mangle",
  "OUTPUT",
  "-s",
  metadataAddress,
  "-p",
  "tcp",
  "-m",
  "comment",
  "--comment",
  "taskflock-test",
];

export class MachinesNetwork {
  readonly name: string = `taskflock-test-${process.pid}`;
  readonly gateway: string;
  readonly #engine: DockerEngine;
  readonly #hops: readonly string[];
  readonly #doors: Server[] = [];

  private constructor(engine: DockerEngine, network: string, hopLimit: number) {
    this.#engine = engine;
    this.gateway = `${network}.0.1`;
    this.#hops = ["-j", "TTL", "--ttl-set", String(hopLimit)];
  }

  /** `network`: the first two numbers of its addresses. */
  static async open(engine: DockerEngine, network: string, hopLimit: number): Promise<MachinesNetwork> {
    const opened = new MachinesNetwork(engine, network, hopLimit);
    const bridge = `tf${process.pid}`;
    const options = ["--opt", `com.docker.network.bridge.name=${bridge}`];
    const place = ["--subnet", `${network}.0.0/16`, "--gateway", opened.gateway];
    await engine.must(["network", "create", ...place, ...options, opened.name]);
    await must("ip", ["address", "add", `${metadataAddress}/32`, "dev", bridge]);
    await must("iptables", opened.#rule("-A"));
    return opened;
  }

  /** What the gateway's `port` leads to: a port of this machine's loopback. */
  async lead(port: number, to: number): Promise<void> {
    const door = createServer((outer) => {
      const inner = connect(to, "127.0.0.1");
      for (const [one, other] of [
        [outer, inner],
        [inner, outer],
      ] as const) {
        one.on("error", () => other.destroy()).on("close", () => other.destroy());
        one.pipe(other);
      }
    });
    await new Promise<void>((resolve, reject) => door.once("error", reject).listen(port, this.gateway, resolve));
    this.#doors.push(door);
  }

  async close(): Promise<void> {
    for (const door of this.#doors) door.close();
    await run("iptables", this.#rule("-D"));
    await this.#engine.run(["network", "rm", this.name]); // the bridge goes with it, and the address with the bridge
  }

  #rule(what: "-A" | "-D"): string[] {
    const [table, name, ...rest] = hopRule as [string, string, ...string[]];
    return [table, name, what, ...rest, ...this.#hops];
  }
}
