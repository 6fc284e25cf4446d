// EC2: instances, their volumes, and the tags of everything.
import type { Actions } from "./actions.ts";
import { AwsError, found } from "./errors.ts";
import type { Input } from "./input.ts";
import { launchOptions } from "./launch-options.ts";
import type { Machines } from "./machines.ts";
import type { Values } from "./protocol.ts";
import { passesTagFilters, readTags, tagSet, tagsFor } from "./tags.ts";
import type { Instance, InstanceState, Tags, World } from "./world.ts";

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

/** The tags of whatever has this id. */
export function tagsOf(world: World, id: string): Tags {
  const maps = [world.instances, world.templates, world.securityGroups, world.keyPairs, world.subnets];
  const volumes = [...world.instances.values()].map(({ volume }) => volume);
  const rules = [...world.securityGroups.values()].map(({ rules }) => rules.get(id));
  const tagged = [...maps.map((map) => map.get(id)), volumes.find((volume) => volume.id === id), ...rules];
  return found(
    tagged.find((one) => one !== undefined),
    "InvalidID",
    `The ID '${id}' is not valid`,
  ).tags;
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

    DescribeVolumes: ({ input }, world) => {
      const filters = input.filters();
      const ids = [...input.texts("VolumeId"), ...(filters.get("volume-id") ?? [])];
      const of = filters.get("attachment.instance-id");
      const all = [...world.instances.values()].filter(
        ({ id, state, volume }) =>
          state !== "terminated" && (ids.length === 0 || ids.includes(volume.id)) && (of?.includes(id) ?? true),
      );
      return {
        volumeSet: all.map(({ id, volume, launched, options: { disk, subnet } }) => ({
          ...{ volumeId: volume.id, size: disk.sizeGb, volumeType: disk.type, encrypted: disk.encrypted, iops: 3_000 },
          ...{ throughput: 125, status: "in-use", createTime: launched, tagSet: tagSet(volume.tags) },
          availabilityZone: world.subnets.get(subnet)?.zone,
          attachmentSet: [
            { volumeId: volume.id, instanceId: id, device: disk.device, status: "attached", deleteOnTermination: true },
          ],
        })),
      };
    },

    GetInstanceUefiData: ({ input }) => ({ instanceId: input.text("InstanceId"), uefiData: "" }),

    CreateTags: ({ input }, world) => {
      for (const id of input.texts("ResourceId")) {
        const tags = tagsOf(world, id);
        for (const [key, value] of readTags(input.parts("Tag"))) tags.set(key, value);
      }
      return { return: true };
    },

    DeleteTags: ({ input }, world) => {
      for (const id of input.texts("ResourceId")) {
        const tags = tagsOf(world, id);
        for (const tag of input.parts("Tag")) tags.delete(tag.text("Key"));
      }
      return { return: true };
    },

    DescribeTags: ({ input }, world) => {
      const filters = input.filters();
      const ids = filters.get("resource-id") ?? [];
      const isWanted = (key: string): boolean => filters.get("key")?.includes(key) ?? true;
      return {
        tagSet: ids.flatMap((resourceId) =>
          [...tagsOf(world, resourceId)]
            .filter(([key]) => isWanted(key))
            .map(([key, value]) => ({ resourceId, resourceType: "instance", key, value })),
        ),
      };
    },

    ImportKeyPair: ({ input }, world) => {
      const name = input.text("KeyName");
      const isTaken = [...world.keyPairs.values()].some((pair) => pair.name === name);
      if (isTaken) throw new AwsError("InvalidKeyPair.Duplicate", `The keypair '${name}' already exists.`);
      const pair = {
        id: world.id("key"),
        name,
        publicKey: input.text("PublicKeyMaterial"),
        tags: tagsFor(input, "key-pair"),
      };
      world.keyPairs.set(pair.id, pair);
      return { keyName: name, keyPairId: pair.id, keyFingerprint: "00:00", tagSet: tagSet(pair.tags) };
    },

    DescribeKeyPairs: ({ input }, world) => {
      const names = input.texts("KeyName");
      const all = [...world.keyPairs.values()].filter(({ name }) => names.length === 0 || names.includes(name));
      if (all.length < names.length) throw new AwsError("InvalidKeyPair.NotFound", "The key pair does not exist");
      return {
        keySet: all.map(({ id, name, tags }) => ({
          ...{ keyPairId: id, keyName: name, keyFingerprint: "00:00", keyType: "ed25519", tagSet: tagSet(tags) },
        })),
      };
    },

    DeleteKeyPair: ({ input }, world) => {
      const pair = [...world.keyPairs.values()].find(({ name }) => name === input.maybe("KeyName"));
      world.keyPairs.delete(pair?.id ?? input.maybe("KeyPairId") ?? "");
      return { return: true };
    },
  };
}
