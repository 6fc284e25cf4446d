// docker/compose.yaml, brought up as it is, without Prometheus and Grafana.
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { root } from "../tidy/tree.ts";
import { type DockerEngine, until } from "./docker-engine.ts";

interface Composition {
  readonly image: string;
  /** The folder of the secrets. */
  readonly secrets: string;
  readonly workers: number;
}

export class ComposedCluster {
  /** Of the scheduler, as this machine reaches it. */
  readonly address: string;
  readonly page: string;
  /** The authority of its certificates. */
  readonly caFile: string;
  readonly network: string;
  scheduler = "";
  readonly #engine: DockerEngine;
  readonly #project = `taskflock-test-${process.pid}`;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(engine: DockerEngine, { image, secrets }: Composition, [port, pagePort]: readonly number[]) {
    this.#engine = engine;
    this.address = `wss://127.0.0.1:${port}`;
    this.page = `https://127.0.0.1:${pagePort}`;
    this.caFile = join(secrets, "ca.pem");
    this.network = `${this.#project}_default`;
    const ports = { SCHEDULER_PORT: String(port), PAGE_PORT: String(pagePort) };
    this.#env = { ...ports, TASKFLOCK_IMAGE: image, SECRETS: secrets, TASKFLOCK_THREADS: "2" };
  }

  /** Resolves when all of its containers are healthy. */
  static async up(engine: DockerEngine, composition: Composition): Promise<ComposedCluster> {
    const cluster = new ComposedCluster(engine, composition, [await freePort(), await freePort()]);
    const scale = ["--scale", `worker=${composition.workers}`];
    try {
      await cluster.#compose("up", "--detach", "--no-build", ...scale, "scheduler", "worker");
      cluster.scheduler = (await cluster.#containers("scheduler"))[0] ?? "";
      await cluster.#healthy();
      writeFileSync(cluster.caFile, await cluster.fileOf("ca/ca.pem"));
    } catch (error) {
      await cluster.down();
      throw error;
    }
    return cluster;
  }

  /** Ids of the containers that run. */
  workers(): Promise<string[]> {
    return this.#containers("worker");
  }

  /** A command of the CLI as the service that makes certificates and users; what it prints. */
  setUp(...command: string[]): Promise<string> {
    return this.#compose("run", "--rm", "-T", "setup", ...command);
  }

  /** A file of its volumes. */
  fileOf(path: string): Promise<string> {
    return this.setUp("sh", "-c", `cat ${path}`);
  }

  async down(): Promise<void> {
    await this.#compose("down", "--volumes", "--timeout", "5");
  }

  async #healthy(): Promise<void> {
    const all = [this.scheduler, ...(await this.workers())];
    const format = "{{.State.Status}}: {{.State.Health.Status}}";
    const states = async (): Promise<string[]> =>
      (await this.#engine.must(["inspect", "--format", format, ...all])).split("\n");
    const logs = () => this.#compose("logs", "--no-color");
    await until(
      async () => (await states()).every((state) => state === "running: healthy"),
      async () => `${await states()}\n${await logs()}`,
    );
  }

  async #containers(service: string): Promise<string[]> {
    const labels = [`project=${this.#project}`, `service=${service}`];
    const filters = labels.flatMap((label) => ["--filter", `label=com.docker.compose.${label}`]);
    return (await this.#engine.must(["ps", "--quiet", ...filters])).split("\n").filter((id) => id !== "");
  }

  #compose(...args: string[]): Promise<string> {
    const file = join(root, "docker/compose.yaml");
    return this.#engine.compose(["--project-name", this.#project, "--file", file, ...args], { env: this.#env });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
