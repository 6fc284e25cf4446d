// The machines of a cluster: what EC2 and Auto Scaling say of them, and what is done with them.

import type { AwsClients } from "./clients.ts";
import type { MachineLife } from "./cost.ts";

export interface Machine extends MachineLife {
  /** EC2's: "pending", "running", "terminated" … */
  readonly state: string;
  readonly privateIp: string | null;
  readonly publicIp: string | null;
}

export interface GroupMember {
  readonly id: string;
  /** Auto Scaling's: "Pending", "InService", "Terminating" … */
  readonly state: string;
  /** Version of the launch template that it was started with. */
  readonly version: string;
}

export interface Group {
  readonly name: string;
  readonly desired: number;
  readonly max: number;
  readonly members: readonly GroupMember[];
  /** Version of the launch template that new ones are started with. */
  readonly version: string;
}

/** All that EC2 remembers of the cluster, also those that ended less than an hour ago. `cluster`: the tag. */
export async function machinesOf(aws: AwsClients, cluster: string): Promise<readonly Machine[]> {
  const { sdk, client } = await aws.ec2();
  const Filters = [{ Name: "tag:cluster", Values: [cluster] }];
  const found: Machine[] = [];
  let NextToken: string | undefined;
  do {
    const page = await aws.ask("look for the cluster's machines", () =>
      client.send(new sdk.DescribeInstancesCommand({ Filters, ...(NextToken === undefined ? {} : { NextToken }) })),
    );
    for (const instance of (page.Reservations ?? []).flatMap(({ Instances = [] }) => Instances)) {
      const state = instance.State?.Name ?? "unknown";
      const name = instance.Tags?.find(({ Key }) => Key === "Name")?.Value ?? "";
      const launchedMs = instance.LaunchTime?.getTime() ?? 0;
      const isOver = state === "terminated" || state === "shutting-down" || state === "stopped";
      found.push({
        id: instance.InstanceId ?? "",
        role: name.endsWith("-scheduler") ? "scheduler" : "worker",
        type: instance.InstanceType ?? "",
        zone: instance.Placement?.AvailabilityZone ?? "",
        spot: instance.InstanceLifecycle === "spot",
        launchedMs,
        endedMs: isOver ? (endIn(instance.StateTransitionReason ?? "") ?? Date.now()) : null,
        state,
        privateIp: instance.PrivateIpAddress || null,
        publicIp: instance.PublicIpAddress || null,
      });
    }
    NextToken = page.NextToken || undefined;
  } while (NextToken !== undefined);
  return found.sort((a, b) => a.launchedMs - b.launchedMs || a.id.localeCompare(b.id));
}

/** `User initiated (2026-11-22 03:14:15 GMT)`: when. */
export function endIn(reason: string): number | null {
  const [, date, time] = /\((\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) GMT\)/.exec(reason) ?? [];
  return date === undefined ? null : Date.parse(`${date}T${time}Z`);
}

/** Null: there is no such group. */
export async function groupOf(aws: AwsClients, name: string): Promise<Group | null> {
  const { sdk, client } = await aws.autoScaling();
  const { AutoScalingGroups: [group] = [] } = await aws.ask("look for the group of workers", () =>
    client.send(new sdk.DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [name] })),
  );
  if (group === undefined) return null;
  const template = group.MixedInstancesPolicy?.LaunchTemplate?.LaunchTemplateSpecification ?? group.LaunchTemplate;
  return {
    name,
    desired: group.DesiredCapacity ?? 0,
    max: group.MaxSize ?? 0,
    version: template?.Version ?? "",
    members: (group.Instances ?? []).map((instance) => ({
      id: instance.InstanceId ?? "",
      state: instance.LifecycleState ?? "",
      version: instance.LaunchTemplate?.Version ?? "",
    })),
  };
}

/** Those that are there, or come. */
export function staying({ members }: Group): readonly GroupMember[] {
  return members.filter(({ state }) => !/^(Terminat|Detach)/.test(state));
}

export async function setDesired(aws: AwsClients, name: string, count: number): Promise<void> {
  const { sdk, client } = await aws.autoScaling();
  const wanted = { AutoScalingGroupName: name, DesiredCapacity: count, HonorCooldown: false };
  await aws.ask(`scale the group to ${count}`, () => client.send(new sdk.SetDesiredCapacityCommand(wanted)));
}

/** The group shrinks to it, too, if it is larger: AWS then ends any. */
export async function setMost(aws: AwsClients, name: string, count: number): Promise<void> {
  const { sdk, client } = await aws.autoScaling();
  const wanted = { AutoScalingGroupName: name, MaxSize: count };
  await aws.ask(`let the group grow to ${count}`, () => client.send(new sdk.UpdateAutoScalingGroupCommand(wanted)));
}

/** Ends exactly this one, and no other takes its place. True: it was there still. */
export async function endMember(aws: AwsClients, id: string): Promise<boolean> {
  const { sdk, client } = await aws.autoScaling();
  const wanted = { InstanceId: id, ShouldDecrementDesiredCapacity: true };
  return aws.ask(`end ${id}`, async () => {
    try {
      await client.send(new sdk.TerminateInstanceInAutoScalingGroupCommand(wanted));
      return true;
    } catch (error) {
      // AWS took it meanwhile.
      if (/not found|No managed instance/i.test((error as Error).message)) return false;
      throw error;
    }
  });
}

export interface FailedStart {
  readonly atMs: number;
  readonly message: string;
}

/** What the group could not start, and why: the newest first. */
export async function failedStarts(aws: AwsClients, name: string, sinceMs: number): Promise<readonly FailedStart[]> {
  const { sdk, client } = await aws.autoScaling();
  const { Activities = [] } = await aws.ask("ask what the group did", () =>
    client.send(new sdk.DescribeScalingActivitiesCommand({ AutoScalingGroupName: name, MaxRecords: 20 })),
  );
  return Activities.filter(({ StatusCode }) => StatusCode === "Failed" || StatusCode === "Cancelled")
    .map(({ StartTime, StatusMessage, Description }) => ({
      atMs: StartTime?.getTime() ?? 0,
      message: StatusMessage ?? Description ?? "no reason is said",
    }))
    .filter(({ atMs }) => atMs >= sinceMs);
}
