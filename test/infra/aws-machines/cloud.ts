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

type Undo = () => Promise<unknown> | void;

interface Parts {
  readonly engine: DockerEngine;
  readonly terraform: Terraform;
  readonly aws: AwsEmulator;
  readonly hardware: Containers;
  readonly images: RegistryServer;
}

/** The latest first. */
async function undoAll(steps: readonly Undo[]): Promise<void> {
  for (const undo of steps.toReversed()) await undo();
}

/** Or why it cannot be had. What must be undone is noted as it is done. */
async function partsOf(undo: Undo[]): Promise<Parts | string> {
  const terraform = findTerraform();
  if (typeof terraform === "string") return terraform;
  undo.push(() => rmSync(terraform.folder, { recursive: true }));
  const engine = await dockerEngine();
  if (typeof engine === "string") return engine;
  undo.push(() => engine.stop());
  const why = process.getuid?.() === 0 ? await nodeBase(engine) : "only root may make a network for machines";
  if (why !== null) return why;
  const images = await RegistryServer.start("AWS", password);
  if (typeof images === "string") return images;
  undo.push(() => images.stop());
  const machines = await MachinesNetwork.open(engine, network, hopLimit);
  undo.push(() => machines.close());
  const hardware = new Containers(engine, { network: machines.name, gateway: machines.gateway, registry: ecrHost });
  const aws = await AwsEmulator.start({ network, hardware, registry: { host: ecrHost, password } });
  undo.push(() => aws[Symbol.asyncDispose]());
  const metadata = await MetadataServer.start(aws.world);
  undo.push(() => metadata.close());
  await machines.lead(80, Number(images.address.split(":")[1]));
  await machines.lead(endpointPort, aws.port);
  await buildAmi(engine, { endpoint: `http://${machines.gateway}:${endpointPort}`, registry: ecrHost });
  return { engine, terraform, aws, hardware, images };
}

export class Cloud {
  readonly engine: DockerEngine;
  readonly terraform: Terraform;
  readonly aws: AwsEmulator;
  readonly hardware: Containers;
  readonly #images: RegistryServer;
  readonly #undo: readonly Undo[];

  private constructor({ engine, terraform, aws, hardware, images }: Parts, undo: readonly Undo[]) {
    this.engine = engine;
    this.terraform = terraform;
    this.aws = aws;
    this.hardware = hardware;
    this.#images = images;
    this.#undo = undo;
  }

  /** Or why there can be none here, in a line. Nothing is left where it fails. */
  static async open(): Promise<Cloud | string> {
    const undo: Undo[] = [];
    try {
      const parts = await partsOf(undo);
      if (typeof parts !== "string") return new Cloud(parts, undo);
      await undoAll(undo);
      return parts;
    } catch (error) {
      await undoAll(undo);
      throw error;
    }
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

  close(): Promise<void> {
    return undoAll(this.#undo);
  }
}
