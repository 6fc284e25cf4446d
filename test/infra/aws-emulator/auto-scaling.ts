// Auto Scaling: groups, their schedules and refreshes, as they are asked for and told of.
import type { Actions } from "./actions.ts";
import { AwsError, found } from "./errors.ts";
import { Input } from "./input.ts";
import type { Machines } from "./machines.ts";
import type { Value, Values } from "./protocol.ts";
import type { Scaling, Sizes } from "./scaling.ts";
import type { AutoScalingGroup, GroupTag, Instance, World } from "./world.ts";

function groupOf(world: World, name: string): AutoScalingGroup {
  return found(world.groups.get(name), "ValidationError", `AutoScalingGroup name not found - no such group: ${name}`);
}

function readTags(input: Input): GroupTag[] {
  return input.parts("Tags").map((tag) => ({
    ...{ key: tag.text("Key"), value: tag.maybe("Value") ?? "", propagates: tag.flag("PropagateAtLaunch") ?? false },
  }));
}

function sizesOf(input: Input): Sizes {
  const desired = input.number("DesiredCapacity");
  return { min: input.number("MinSize"), max: input.number("MaxSize"), desired };
}

/** A request's part, as an answer has it. */
function echoed(value: unknown): Value {
  if (typeof value !== "object" || value === null) return String(value);
  const { member } = value as { readonly member?: Record<string, unknown> };
  if (member !== undefined) return Object.values(member).map(echoed);
  return Object.fromEntries(Object.entries(value).map(([name, inside]) => [name, echoed(inside)]));
}

const lifecycle = {
  pending: "Pending",
  running: "InService",
  "shutting-down": "Terminating",
  terminated: "Terminated",
};

function member(world: World, instance: Instance): Values {
  const { id, group, state, options, template } = instance;
  const named = template && world.templates.get(template.id)?.name;
  return {
    ...{ InstanceId: id, AutoScalingGroupName: group, InstanceType: options.instanceType, HealthStatus: "Healthy" },
    ...{ AvailabilityZone: world.subnets.get(options.subnet)?.zone, LifecycleState: lifecycle[state] },
    ...{ ProtectedFromScaleIn: false },
    LaunchTemplate: template && {
      ...{ LaunchTemplateId: template.id, LaunchTemplateName: named, Version: template.version },
    },
  };
}

function tagList({ name, tags }: AutoScalingGroup): Value {
  return [...tags.values()].map(({ key, value, propagates }) => ({
    ...{ ResourceId: name, ResourceType: "auto-scaling-group", Key: key, Value: value, PropagateAtLaunch: propagates },
  }));
}

function described(world: World, group: AutoScalingGroup, instances: readonly Instance[]): Values {
  const { name, settings, min, max, desired, created } = group;
  const subnets = settings.maybe("VPCZoneIdentifier") ?? "";
  const echo = (part: string): Value => (settings.data[part] === undefined ? undefined : echoed(settings.data[part]));
  return {
    ...{ AutoScalingGroupName: name, MinSize: min, MaxSize: max, DesiredCapacity: desired, CreatedTime: created },
    AutoScalingGroupARN: world.arn("autoscaling", `autoScalingGroup:1:autoScalingGroupName/${name}`),
    ...{ MixedInstancesPolicy: echo("MixedInstancesPolicy"), LaunchTemplate: echo("LaunchTemplate") },
    ...{ VPCZoneIdentifier: subnets, CapacityRebalance: settings.flag("CapacityRebalance") ?? false },
    AvailabilityZones: subnets.split(",").map((id) => world.subnets.get(id)?.zone),
    ...{ DefaultCooldown: settings.number("DefaultCooldown") ?? 300, HealthCheckType: "EC2" },
    ...{ HealthCheckGracePeriod: settings.number("HealthCheckGracePeriod") ?? 0, TerminationPolicies: ["Default"] },
    ...{ NewInstancesProtectedFromScaleIn: false, Instances: instances.map((one) => member(world, one)) },
    Tags: tagList(group),
  };
}

function putTags(world: World, input: Input): void {
  for (const tag of input.parts("Tags")) {
    const { tags } = groupOf(world, tag.text("ResourceId"));
    for (const read of readTags(new Input({ Tags: [tag.data] }))) tags.set(read.key, read);
  }
}

function create(input: Input, world: World): AutoScalingGroup {
  const name = input.text("AutoScalingGroupName");
  if (world.groups.has(name))
    throw new AwsError("AlreadyExists", `AutoScalingGroup by this name already exists: ${name}`);
  const tags = new Map(readTags(input).map((tag) => [tag.key, tag]));
  const nothing = { min: 0, max: 0, desired: 0, scheduled: new Map(), refreshes: [] };
  const group = { name, created: world.now(), tags, settings: input, ...nothing };
  world.groups.set(name, group);
  return group;
}

function groupActions(scaling: Scaling, machines: Machines): Actions {
  return {
    CreateAutoScalingGroup: ({ input }, world) => {
      scaling.resize(create(input, world), sizesOf(input));
      return {};
    },

    UpdateAutoScalingGroup: ({ input }, world) => {
      const group = groupOf(world, input.text("AutoScalingGroupName"));
      group.settings = new Input({ ...group.settings.data, ...input.data });
      scaling.resize(group, sizesOf(input));
      return {};
    },

    DescribeAutoScalingGroups: ({ input }, world) => {
      const names = input.texts("AutoScalingGroupNames");
      const all = [...world.groups.values()].filter(({ name }) => names.length === 0 || names.includes(name));
      return { AutoScalingGroups: all.map((group) => described(world, group, scaling.instancesOf(group))) };
    },

    DescribeAutoScalingInstances: ({ input }, world) => {
      const ids = input.texts("InstanceIds");
      const all = [...world.groups.values()].flatMap((group) => scaling.instancesOf(group));
      const wanted = all.filter(({ id }) => ids.length === 0 || ids.includes(id));
      return { AutoScalingInstances: wanted.map((instance) => member(world, instance)) };
    },

    SetDesiredCapacity: ({ input }, world) => {
      const group = groupOf(world, input.text("AutoScalingGroupName"));
      const desired = Number(input.text("DesiredCapacity"));
      if (desired < group.min || desired > group.max) {
        const bounds = `between ${group.min} and ${group.max}`;
        throw new AwsError("ValidationError", `New SetDesiredCapacity value ${desired} is not ${bounds}`);
      }
      scaling.resize(group, { min: undefined, max: undefined, desired });
      return {};
    },

    TerminateInstanceInAutoScalingGroup: ({ input }, world) => {
      const instance = found(world.instances.get(input.text("InstanceId")), "ValidationError", "Instance Id not found");
      const group = groupOf(world, instance.group ?? "");
      if (input.flag("ShouldDecrementDesiredCapacity") === true) group.desired = Math.max(group.min, group.desired - 1);
      machines.terminate(instance, "User initiated: TerminateInstanceInAutoScalingGroup");
      return {
        Activity: { ActivityId: world.id("activity"), AutoScalingGroupName: group.name, StatusCode: "InProgress" },
      };
    },

    DeleteAutoScalingGroup: ({ input }, world) => {
      const group = groupOf(world, input.text("AutoScalingGroupName"));
      const instances = scaling.instancesOf(group);
      if (instances.length > 0 && input.flag("ForceDelete") !== true) {
        throw new AwsError("ResourceInUse", `You cannot delete ${group.name} while there are instances in it.`);
      }
      world.groups.delete(group.name);
      for (const instance of instances) machines.terminate(instance, "Deleted with its group");
      return {};
    },
  };
}

function scheduleActions(scaling: Scaling): Actions {
  return {
    PutScheduledUpdateGroupAction: ({ input }, world) => {
      const group = groupOf(world, input.text("AutoScalingGroupName"));
      const name = input.text("ScheduledActionName");
      group.scheduled.set(name, { name, start: new Date(input.text("StartTime")), ...sizesOf(input) });
      return {};
    },

    DescribeScheduledActions: ({ input }, world) => {
      const names = input.texts("ScheduledActionNames");
      const wanted = input.maybe("AutoScalingGroupName");
      const groups = [...world.groups.values()].filter(({ name }) => wanted === undefined || name === wanted);
      return {
        ScheduledUpdateGroupActions: groups.flatMap((group) =>
          [...group.scheduled.values()]
            .filter(({ name }) => names.length === 0 || names.includes(name))
            .map(({ name, start, min, max, desired }) => ({
              ...{ AutoScalingGroupName: group.name, ScheduledActionName: name, StartTime: start, Time: start },
              ScheduledActionARN: world.arn("autoscaling", `scheduledUpdateGroupAction:1:${group.name}:${name}`),
              ...{ MinSize: min, MaxSize: max, DesiredCapacity: desired },
            })),
        ),
      };
    },

    DeleteScheduledAction: ({ input }, world) => {
      const group = groupOf(world, input.text("AutoScalingGroupName"));
      group.scheduled.delete(input.text("ScheduledActionName"));
      return {};
    },

    StartInstanceRefresh: ({ input }, world) => {
      const group = groupOf(world, input.text("AutoScalingGroupName"));
      void scaling.refresh(group);
      return { InstanceRefreshId: group.refreshes[0]?.id };
    },

    DescribeInstanceRefreshes: ({ input }, world) => ({
      InstanceRefreshes: groupOf(world, input.text("AutoScalingGroupName")).refreshes.map(
        ({ id, started, status }) => ({
          ...{ InstanceRefreshId: id, StartTime: started, Status: status, PercentageComplete: 0, InstancesToUpdate: 0 },
        }),
      ),
    }),
  };
}

/** What groups are told beside: tags, and lists that are always empty here. */
const smallActions: Actions = {
  CreateOrUpdateTags: ({ input }, world) => {
    putTags(world, input);
    return {};
  },

  DeleteTags: ({ input }, world) => {
    for (const tag of input.parts("Tags")) groupOf(world, tag.text("ResourceId")).tags.delete(tag.text("Key"));
    return {};
  },

  DescribeTags: ({ input }, world) => {
    const names = input.parts("Filters").flatMap((filter) => filter.texts("Values"));
    const groups = [...world.groups.values()].filter(({ name }) => names.length === 0 || names.includes(name));
    return { Tags: groups.flatMap((group) => tagList(group) as readonly Value[]) };
  },

  DescribeScalingActivities: () => ({ Activities: [] }),
  DescribeTrafficSources: () => ({ TrafficSources: [] }),
  DescribeLifecycleHooks: () => ({ LifecycleHooks: [] }),
  DescribeWarmPool: () => ({ Instances: [] }),
};

export function autoScaling(scaling: Scaling, machines: Machines): Actions {
  return { ...groupActions(scaling, machines), ...scheduleActions(scaling), ...smallActions };
}
