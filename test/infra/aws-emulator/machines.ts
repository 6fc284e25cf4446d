// Instances as things that begin and end, whoever asked for them: a request, or an Auto Scaling group.
import { AwsError, found } from "./errors.ts";
import type { Instance, LaunchOptions, Subnet, World } from "./world.ts";

export interface Origin {
  readonly group?: string;
  readonly template?: { readonly id: string; readonly version: number };
}

/** Called when an instance runs, and when it has ended. */
export type Changed = (instance: Instance) => void;

export class Machines {
  readonly #world: World;
  readonly #changed: Changed;
  /** What hardware is at work on. */
  readonly #underway: Set<Promise<void>> = new Set();

  constructor(world: World, changed: Changed) {
    this.#world = world;
    this.#changed = changed;
  }

  launch(options: LaunchOptions, { group, template }: Origin = {}): Instance {
    const world = this.#world;
    const subnet = found(world.subnets.get(options.subnet), "InvalidSubnetID.NotFound", `no subnet ${options.subnet}`);
    for (const id of options.securityGroups) {
      found(world.securityGroups.get(id), "InvalidGroup.NotFound", `The security group '${id}' does not exist`);
    }
    if (options.profile !== undefined) {
      const message = `Value (${options.profile}) for parameter iamInstanceProfile.name is invalid`;
      found(world.profiles.get(options.profile), "InvalidParameterValue", message);
    }
    const privateIp = this.#address(subnet, options.privateIp);
    const instance: Instance = {
      ...{ id: world.id("i"), launched: world.now(), options, privateIp, group, template },
      // Where machines boot, this one is in their network.
      publicIp: world.hardware === undefined ? `198.51.100.${privateIp.split(".").at(-1)}` : privateIp,
      volume: { id: world.id("vol"), tags: new Map(options.volumeTags) },
      tags: new Map(options.instanceTags),
      ...{ state: "pending", reason: "", spotEnd: undefined, rebalance: undefined },
    };
    world.instances.set(instance.id, instance);
    this.#await(this.#start(instance));
    return instance;
  }

  /** Resolves when nothing begins or ends any more. */
  async settled(): Promise<void> {
    while (this.#underway.size > 0) await Promise.allSettled(this.#underway);
  }

  terminate(instance: Instance, reason: string): void {
    if (instance.state === "shutting-down" || instance.state === "terminated") return;
    instance.state = "shutting-down";
    instance.reason = reason;
    this.#await(this.#stop(instance));
  }

  async #start(instance: Instance): Promise<void> {
    // Off by itself: instance_initiated_shutdown_behavior is "terminate" for all that this repository starts.
    await this.#world.hardware?.start(instance, () => this.terminate(instance, "Client.InstanceInitiatedShutdown"));
    if (instance.state !== "pending") return;
    instance.state = "running";
    this.#changed(instance);
  }

  async #stop(instance: Instance): Promise<void> {
    await this.#world.hardware?.stop(instance);
    instance.state = "terminated";
    this.#changed(instance);
  }

  #await(work: Promise<void>): void {
    const done = work.finally(() => this.#underway.delete(done));
    this.#underway.add(done);
    done.catch((error: unknown) => console.error("The emulator's machines:", error));
  }

  #address(subnet: Subnet, wanted: string | undefined): string {
    const taken = new Set(
      [...this.#world.instances.values()]
        .filter(({ state }) => state !== "terminated")
        .map(({ privateIp }) => privateIp),
    );
    if (wanted !== undefined && taken.has(wanted)) {
      throw new AwsError("InvalidIPAddress.InUse", `Address ${wanted} is in use.`);
    }
    if (wanted !== undefined) return wanted;
    const start = subnet.cidr.replace(/\d+\/\d+$/, "");
    for (;;) {
      subnet.nextHost = subnet.nextHost === 250 ? 10 : subnet.nextHost + 1;
      if (!taken.has(`${start}${subnet.nextHost}`)) return `${start}${subnet.nextHost}`;
    }
  }
}
