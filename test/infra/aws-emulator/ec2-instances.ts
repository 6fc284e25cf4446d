// EC2: instances, their volumes, and the tags of everything.
import type { Actions } from "./actions.ts";
import { found } from "./errors.ts";
import type { Input } from "./input.ts";
import { launchOptions } from "./launch-options.ts";
import type { Machines } from "./machines.ts";
import type { Values } from "./protocol.ts";
import { passesTagFilters, tagSet } from "./tags.ts";
import type { Instance, InstanceState, World } from "./world.ts";

const codes: Record<InstanceState, number> = { pending: 0, running: 16, "shutting-down": 32, terminated: 48 };

export function stateOf({ state }: Instance): Values {
  return { code: codes[state], name: state };
}

function instanceOf(world: World, id: string): Instance {
  return found(world.instances.get(id), "InvalidInstanceID.NotFound", `The instance ID '${id}' does not exist`);
}

function networkOf(world: World, { options, privateIp, publicIp }: Instance): Values {
  const groupSet = options.securityGroups.map((groupId) => ({
    groupId,
    groupName: world.securityGroups.get(groupId)?.name,
  }));
  const card = {
    ...{ networkInterfaceId: "eni-0123456789abcdef0", subnetId: options.subnet, vpcId: world.vpc, status: "in-use" },
    ...{ privateIpAddress: privateIp, sourceDestCheck: true, groupSet, association: { publicIp } },
    attachment: { deviceIndex: 0, status: "attached", deleteOnTermination: true },
    privateIpAddressesSet: [{ privateIpAddress: privateIp, primary: true, association: { publicIp } }],
  };
  return {
    ...{ privateIpAddress: privateIp, ipAddress: publicIp, subnetId: options.subnet, vpcId: world.vpc, groupSet },
    ...{ sourceDestCheck: true, networkInterfaceSet: [card], privateDnsName: "", dnsName: "" },
  };
}

function described(world: World, instance: Instance): Values {
  const { id, options, launched, tags, volume, reason } = instance;
  const { imageId, instanceType, profile, hopLimit, isSpot, keyName, disk } = options;
  const { zone } = world.subnets.get(options.subnet) ?? {};
  const ebs = { volumeId: volume.id, status: "attached", attachTime: launched, deleteOnTermination: true };
  const role = profile && { id: "AIPA", arn: world.arn("iam", `instance-profile/${profile}`) };
  return {
    ...{
      instanceId: id,
      imageId,
      instanceState: stateOf(instance),
      instanceType,
      launchTime: launched,
      keyName,
      reason,
    },
    ...{ placement: { availabilityZone: zone, tenancy: "default" }, monitoring: { state: "disabled" } },
    ...(instance.state === "terminated" ? {} : networkOf(world, instance)),
    ...{ architecture: "x86_64", rootDeviceType: "ebs", rootDeviceName: disk.device, ebsOptimized: false },
    ...{ blockDeviceMapping: [{ deviceName: disk.device, ebs }], instanceLifecycle: isSpot ? "spot" : undefined },
    ...(reason === "" ? {} : { stateReason: { code: reason, message: reason } }),
    ...{ iamInstanceProfile: role || undefined, tagSet: tagSet(tags), virtualizationType: "hvm", hypervisor: "xen" },
    metadataOptions: {
      ...{ state: "applied", httpTokens: "required", httpPutResponseHopLimit: hopLimit, httpEndpoint: "enabled" },
      ...{ httpProtocolIpv6: "disabled", instanceMetadataTags: "disabled" },
    },
    ...{ cpuOptions: { coreCount: 2, threadsPerCore: 2 }, currentInstanceBootMode: "uefi" },
    ...{ capacityReservationSpecification: { capacityReservationPreference: "open" } },
  };
}

function reservation(world: World, instances: readonly Instance[]): Values {
  const instancesSet = instances.map((instance) => described(world, instance));
  return { reservationId: "r-0123456789abcdef0", ownerId: world.account, instancesSet };
}

/** Those that a request means, by ids and filters. */
function chosen(input: Input, world: World): Instance[] {
  const ids = input.texts("InstanceId");
  const filters = input.filters();
  const all = ids.length === 0 ? [...world.instances.values()] : ids.map((id) => instanceOf(world, id));
  return all.filter(
    ({ id, state, tags }) =>
      (filters.get("instance-id")?.includes(id) ?? true) &&
      (filters.get("instance-state-name")?.includes(state) ?? true) &&
      passesTagFilters(tags, filters),
  );
}

const attributes: Record<string, (instance: Instance) => string> = {
  userData: ({ options }) => options.userData,
  instanceInitiatedShutdownBehavior: ({ options }) => options.shutdownBehavior,
};

export function ec2Instances(machines: Machines): Actions {
  return {
    RunInstances: ({ input }, world) => reservation(world, [machines.launch(launchOptions(input, world))]),

    DescribeInstances: ({ input }, world) => ({
      reservationSet: chosen(input, world).map((instance) => reservation(world, [instance])),
    }),

    DescribeInstanceStatus: ({ input }, world) => ({
      instanceStatusSet: chosen(input, world).map((instance) => ({
        ...{ instanceId: instance.id, instanceState: stateOf(instance) },
        ...{ instanceStatus: { status: "ok" }, systemStatus: { status: "ok" } },
      })),
    }),

    TerminateInstances: ({ input }, world) => ({
      instancesSet: chosen(input, world).map((instance) => {
        const previousState = stateOf(instance);
        machines.terminate(instance, "Client.UserInitiatedShutdown");
        return { instanceId: instance.id, previousState, currentState: stateOf(instance) };
      }),
    }),

    DescribeInstanceAttribute: ({ input }, world) => {
      const name = input.text("Attribute");
      const instance = instanceOf(world, input.text("InstanceId"));
      return { instanceId: instance.id, [name]: { value: attributes[name]?.(instance) ?? "false" } };
    },

    ModifyInstanceAttribute: () => ({ return: true }),

    DescribeInstanceCreditSpecifications: ({ input }) => ({
      instanceCreditSpecificationSet: input
        .texts("InstanceId")
        .map((instanceId) => ({ instanceId, cpuCredits: "unlimited" })),
    }),

    GetInstanceUefiData: ({ input }) => ({ instanceId: input.text("InstanceId"), uefiData: "" }),
  };
}
