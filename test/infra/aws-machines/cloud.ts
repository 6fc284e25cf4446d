// All of the cloud that the example is booted in: an emulator of AWS, machines, their network, and a registry of images.
import { rmSync } from "node:fs";
import { AwsEmulator } from "../aws-emulator/index.ts";
import { type DockerEngine, dockerEngine } from "../docker-engine.ts";
import { nodeBase } from "../node-base.ts";
import { RegistryServer } from "../registry-server.ts";
import { findTerraform, type Terraform } from "../terraform-program.ts";
import { buildAmi } from "./ami.ts";
import { Containers } from "./containers.ts";
import { MachinesNetwork } from "./machines-network.ts";
import { MetadataServer } from "./metadata.ts";

const network = "10.91";
const ecrHost = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
const password = `ecr-${process.pid}`;
/** As terraform/ sets it for its machines. */
const hopLimit = 2;
const endpointPort = 4566;
const example = "examples/spot-gpu";

export class Cloud {
  readonly engine: DockerEngine;
  readonly terraform: Terraform;
  readonly aws: AwsEmulator;
  readonly hardware: Containers;
  readonly metadata: MetadataServer;
  readonly #machines: MachinesNetwork;
  readonly #images: RegistryServer;

  private constructor(
    parts: Pick<Cloud, "engine" | "terraform" | "aws" | "hardware" | "metadata">,
    machines: MachinesNetwork,
    images: RegistryServer,
  ) {
    this.engine = parts.engine;
    this.terraform = parts.terraform;
    this.aws = parts.aws;
    this.hardware = parts.hardware;
    this.metadata = parts.metadata;
    this.#machines = machines;
    this.#images = images;
  }

  /** Or why there can be none here, in a line. */
  static async open(): Promise<Cloud | string> {
    const terraform = findTerraform();
    if (typeof terraform === "string") return terraform;
    const engine = await dockerEngine();
    if (typeof engine === "string") return engine;
    const why = process.getuid?.() === 0 ? await nodeBase(engine) : "only root may make a network for machines";
    if (why !== null) return why;
    const images = await RegistryServer.start("AWS", password);
    if (typeof images === "string") return images;
    const machines = await MachinesNetwork.open(engine, network, hopLimit);
    const hardware = new Containers(engine, { network: machines.name, gateway: machines.gateway, registry: ecrHost });
    const aws = await AwsEmulator.start({ network, hardware, registry: { host: ecrHost, password } });
    const metadata = await MetadataServer.start(aws.world);
    await machines.lead(80, Number(images.address.split(":")[1]));
    await machines.lead(endpointPort, aws.port);
    await buildAmi(engine, { endpoint: `http://${machines.gateway}:${endpointPort}`, registry: ecrHost });
    return new Cloud({ engine, terraform, aws, hardware, metadata }, machines, images);
  }

  /** `terraform apply` or `destroy` of the example; throws what it said when that failed. */
  async run(command: "apply" | "destroy", ...variables: string[]): Promise<void> {
    const given = ["contact=ada@example.com", "department=research", ...variables].map((text) => `-var=${text}`);
    const flags = ["-no-color", "-input=false", "-auto-approve"];
    const { code, output } = await this.terraform.run(example, [command, ...flags, ...given], this.aws.env);
    if (code !== 0) throw new Error(output);
  }

  async output<T>(name: string): Promise<T> {
    const { stdout } = await this.terraform.run(example, ["output", "-json", name]);
    return JSON.parse(stdout) as T;
  }

  /** `docker push` from where people push: the registry's other side. `name`: what machines pull it by. */
  async push(image: string, name: string): Promise<void> {
    const local = name.replace(ecrHost, this.#images.address);
    const logIn = ["login", "--username", "AWS", "--password-stdin", this.#images.address];
    await this.engine.must(logIn, { input: password });
    await this.engine.must(["tag", image, local]);
    await this.engine.must(["push", "--quiet", local]);
    await this.engine.must(["logout", this.#images.address]);
    await this.engine.must(["image", "rm", local]);
  }

  /** Of the workers' instances that run. */
  workerInstances(): string[] {
    const all = [...this.aws.world.instances.values()];
    return all.filter(({ group, state }) => group !== undefined && state === "running").map(({ id }) => id);
  }

  async close(): Promise<void> {
    await this.aws[Symbol.asyncDispose]();
    await this.metadata.close();
    await this.#machines.close();
    await this.#images.stop();
    await this.engine.stop();
    rmSync(this.terraform.folder, { recursive: true });
  }
}
