// AWS as far as terraform/ and `taskflock aws` need it, on loopback: the protocols of its services, and a state in memory behind them.
// Signatures are not checked; which key asks is, when it is a machine's.
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Actions } from "./actions.ts";
import { AskedByCli } from "./asked-by-cli.ts";
import { autoScaling } from "./auto-scaling.ts";
import { ec2Belongings } from "./ec2-belongings.ts";
import { ec2Instances } from "./ec2-instances.ts";
import { ec2Network } from "./ec2-network.ts";
import { ec2Offers } from "./ec2-offers.ts";
import { ec2Templates } from "./ec2-templates.ts";
import { ecr } from "./ecr.ts";
import { AwsError, found } from "./errors.ts";
import { checkAllowed, iam } from "./iam.ts";
import { Machines } from "./machines.ts";
import { type Answer, type Ask, readAsk, type Values, writeAnswer, writeError } from "./protocol.ts";
import { Scaling } from "./scaling.ts";
import { secretsManager } from "./secrets-manager.ts";
import { ssm } from "./ssm.ts";
import { sts } from "./sts.ts";
import { type Instance, World, type WorldOptions } from "./world.ts";

export class AwsEmulator implements AsyncDisposable {
  readonly world: World;
  /** Answers for `taskflock aws`. */
  readonly cli: AskedByCli = new AskedByCli();
  /** "ec2:RunInstances", in order. */
  readonly asked: string[] = [];
  /** What nobody here knows how to answer. */
  readonly unknown: string[] = [];
  readonly #machines: Machines;
  readonly #scaling: Scaling;
  /** By the name that requests are signed for. A new service is a table, and a line here. */
  readonly #services: Readonly<Record<string, Actions>>;
  readonly #server: Server = createServer((request, response) => {
    void this.#receive(request).then(({ status, type, body }) => {
      response.writeHead(status, { "content-type": type }).end(body);
    });
  });

  private constructor(options: WorldOptions) {
    this.world = new World(options);
    this.#machines = new Machines(this.world, (instance) => this.#changed(instance));
    this.#scaling = new Scaling(this.world, this.#machines);
    this.#services = {
      autoscaling: { ...autoScaling(this.#scaling, this.#machines), ...this.cli.autoScalingActions },
      ec2: { ...ec2Network, ...ec2Offers, ...ec2Templates, ...ec2Belongings, ...ec2Instances(this.#machines) },
      ecr: { ...ecr, ...this.cli.ecrActions },
      iam,
      pricing: this.cli.pricingActions,
      secretsmanager: secretsManager,
      servicequotas: this.cli.quotaActions,
      ssm: { ...ssm, ...this.cli.ssmActions },
      sts,
    };
  }

  /** `address`: loopback, unless machines of the test's own network ask, too. */
  static async start(options: WorldOptions & { readonly address?: string } = {}): Promise<AwsEmulator> {
    const emulator = new AwsEmulator(options);
    const address = options.address ?? "127.0.0.1";
    await new Promise<void>((resolve) => emulator.#server.listen(0, address, resolve));
    return emulator;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** For programs of AWS's: whom to ask, and credentials of an administrator. */
  get env(): Readonly<Record<string, string>> {
    return {
      ...{ AWS_ENDPOINT_URL: this.url, AWS_ACCESS_KEY_ID: "AKIAADA", AWS_SECRET_ACCESS_KEY: "none" },
      ...{ AWS_REGION: this.world.region, AWS_EC2_METADATA_DISABLED: "true", AWS_MAX_ATTEMPTS: "2" },
    };
  }

  /** Ids and names of what was made and is still there, each with its kind. Empty: everything is gone. */
  left(): string[] {
    const { instances, groups, templates, securityGroups, keyPairs, parameters, roles, profiles, repositories } =
      this.world;
    const up = [...instances.values()].filter(({ state }) => state !== "terminated");
    const made = [...securityGroups.values()].filter(({ name }) => name !== "default");
    const named = { groups, templates, keyPairs, parameters, roles, profiles, repositories };
    const rest = Object.entries(named).flatMap(([kind, map]) => [...map.keys()].map((name) => `${kind} ${name}`));
    return [...up.map(({ id }) => `instances ${id}`), ...made.map(({ id }) => `securityGroups ${id}`), ...rest];
  }

  /** AWS takes a spot instance back: its metadata says so at once, and it ends at that time, or with `finish`. */
  interrupt(id: string, noticeMs = 120_000): void {
    const instance = this.#instance(id);
    instance.spotEnd = new Date(this.world.now().getTime() + noticeMs);
    this.#changed(instance);
  }

  /** Recommends that a spot instance be left. */
  recommendRebalance(id: string): void {
    const instance = this.#instance(id);
    instance.rebalance = this.world.now();
    this.#changed(instance);
  }

  /** The time goes on by so much; what is due meanwhile happens. */
  advance(ms: number): void {
    this.world.skip(ms);
    this.#runDue();
  }

  /** Resolves when no instance is being started or ended. */
  settled(): Promise<void> {
    return this.#machines.settled();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const group of this.world.groups.values()) group.desired = 0;
    for (const instance of this.world.instances.values()) this.#machines.terminate(instance, "The emulator ends");
    await this.settled();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #instance(id: string): Instance {
    return found(this.world.instances.get(id), "InvalidInstanceID.NotFound", id);
  }

  #changed({ group }: Instance): void {
    const known = this.world.groups.get(group ?? "");
    if (known !== undefined) this.#scaling.reconcile(known);
  }

  #runDue(): void {
    this.#scaling.runScheduled();
    for (const instance of this.world.instances.values()) {
      const { spotEnd } = instance;
      if (spotEnd !== undefined && spotEnd <= this.world.now()) {
        this.#machines.terminate(instance, "Server.SpotInstanceTermination");
      }
    }
  }

  async #receive(request: IncomingMessage): Promise<Answer> {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    const ask = readAsk(request.headers, body);
    this.asked.push(`${ask.service}:${ask.action}`);
    try {
      this.#runDue();
      return writeAnswer(ask, await this.#act(ask));
    } catch (error) {
      return writeError(ask, error);
    }
  }

  async #act(ask: Ask): Promise<Values> {
    const act = this.#services[ask.service]?.[ask.action];
    if (act === undefined) {
      this.unknown.push(`${ask.service}:${ask.action}`);
      throw new AwsError("UnsupportedOperation", `The emulator does not know ${ask.service}:${ask.action}.`);
    }
    checkAllowed(ask, this.world);
    return act(ask, this.world);
  }
}
