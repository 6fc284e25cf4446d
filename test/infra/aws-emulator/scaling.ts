// What Auto Scaling does by itself: it starts and ends instances until there are as many as desired, replaces those that AWS takes
// back, rolls outdated ones over, and does at its time what was scheduled.

import { templateData, templateOf, versionOf } from "./ec2-templates.ts";
import type { Input } from "./input.ts";
import { launchOptions } from "./launch-options.ts";
import type { Machines } from "./machines.ts";
import type { AutoScalingGroup, Instance, LaunchTemplate, World } from "./world.ts";

export interface Sizes {
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly desired: number | undefined;
}

interface Recipe {
  readonly template: LaunchTemplate;
  readonly version: number;
  readonly instanceType: string | undefined;
  readonly isSpot: boolean | undefined;
  readonly subnets: readonly string[];
}

export class Scaling {
  readonly #world: World;
  readonly #machines: Machines;
  #launches = 0;

  constructor(world: World, machines: Machines) {
    this.#world = world;
    this.#machines = machines;
  }

  /** All that are not over yet. */
  instancesOf({ name }: AutoScalingGroup): Instance[] {
    return [...this.#world.instances.values()].filter(({ group, state }) => group === name && state !== "terminated");
  }

  resize(group: AutoScalingGroup, { min, max, desired }: Sizes): void {
    group.min = min ?? group.min;
    group.max = max ?? group.max;
    group.desired = Math.min(Math.max(desired ?? group.desired, group.min), group.max);
    this.reconcile(group);
  }

  /** As many as desired. Those that AWS takes back count no more; they go when their time has come. */
  reconcile(group: AutoScalingGroup): void {
    const up = this.instancesOf(group).filter(({ state }) => state === "pending" || state === "running");
    const isDoomed = ({ spotEnd, rebalance }: Instance): boolean => spotEnd !== undefined || rebalance !== undefined;
    const kept = up.filter((instance) => !isDoomed(instance));
    for (let missing = group.desired - kept.length; missing > 0; missing -= 1) this.#launch(group);
    const surplus = this.#oldestFirst(group, kept).slice(0, Math.max(0, kept.length - group.desired));
    for (const instance of surplus) this.#machines.terminate(instance, "User initiated: scale in");
    const areReplaced = kept.length >= group.desired && kept.every(({ state }) => state === "running");
    // Who has a time keeps it: that is Auto Scaling's rule for those that were only recommended to leave.
    const replaced = up.filter(({ spotEnd, rebalance }) => spotEnd === undefined && rebalance !== undefined);
    if (areReplaced) for (const instance of replaced) this.#machines.terminate(instance, "Rebalanced");
  }

  /** What is due, of all groups. */
  runScheduled(): void {
    for (const group of this.#world.groups.values()) {
      for (const action of group.scheduled.values()) {
        if (action.start > this.#world.now()) continue;
        group.scheduled.delete(action.name);
        this.resize(group, action);
      }
    }
  }

  /** Half of the outdated at a time: each is ended, and the next ones only when all runs again. */
  async refresh(group: AutoScalingGroup): Promise<void> {
    const refresh = { id: this.#world.id("refresh"), started: this.#world.now(), status: "InProgress" as const };
    const entry: AutoScalingGroup["refreshes"][number] = refresh;
    group.refreshes.unshift(entry);
    for (let outdated = this.#outdated(group); outdated.length > 0; outdated = this.#outdated(group)) {
      const batch = outdated.slice(0, Math.max(1, Math.floor(group.desired / 2)));
      for (const instance of batch) this.#machines.terminate(instance, "Instance refresh");
      await this.#machines.settled();
    }
    entry.status = "Successful";
  }

  #outdated(group: AutoScalingGroup): Instance[] {
    const { template, version } = this.#recipe(group);
    return this.instancesOf(group).filter(
      (instance) => instance.template?.id !== template.id || instance.template.version !== version,
    );
  }

  #oldestFirst(group: AutoScalingGroup, instances: readonly Instance[]): Instance[] {
    const outdated = new Set(this.#outdated(group));
    const rank = (instance: Instance): number => (outdated.has(instance) ? 0 : 1);
    return [...instances].sort((a, b) => rank(a) - rank(b)); // otherwise in the order they were started
  }

  #launch(group: AutoScalingGroup): void {
    const { template, version, instanceType, isSpot, subnets } = this.#recipe(group);
    this.#launches += 1;
    const subnet = subnets[this.#launches % subnets.length];
    const options = launchOptions(templateData(template, version), this.#world, {
      ...(instanceType === undefined ? {} : { instanceType }),
      ...(isSpot === undefined ? {} : { isSpot }),
      ...(subnet === undefined ? {} : { subnet }),
    });
    const instanceTags = new Map(options.instanceTags);
    for (const { key, value, propagates } of group.tags.values()) if (propagates) instanceTags.set(key, value);
    instanceTags.set("aws:autoscaling:groupName", group.name);
    this.#machines.launch({ ...options, instanceTags }, { group: group.name, template: { id: template.id, version } });
  }

  #recipe({ settings }: AutoScalingGroup): Recipe {
    const mixed = settings.part("MixedInstancesPolicy");
    const plan = mixed.part("LaunchTemplate");
    const isMixed = Object.keys(mixed.data).length > 0;
    const named: Input = isMixed ? plan.part("LaunchTemplateSpecification") : settings.part("LaunchTemplate");
    const template = templateOf(this.#world, named.maybe("LaunchTemplateId"), named.maybe("LaunchTemplateName"));
    const onDemand = mixed.part("InstancesDistribution").number("OnDemandPercentageAboveBaseCapacity") ?? 100;
    return {
      template,
      version: versionOf(template, named.maybe("Version")),
      instanceType: plan.parts("Overrides")[0]?.maybe("InstanceType"),
      isSpot: isMixed ? onDemand === 0 : undefined,
      subnets: (settings.maybe("VPCZoneIdentifier") ?? "").split(",").filter((id) => id !== ""),
    };
  }
}
