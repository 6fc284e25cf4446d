// EC2: what is beside instances. Their volumes, tags of everything, key pairs.
import type { Actions } from "./actions.ts";
import { AwsError, found } from "./errors.ts";
import { readTags, tagSet, tagsFor } from "./tags.ts";
import type { Tags, World } from "./world.ts";

/** The tags of whatever has this id. */
function tagsOf(world: World, id: string): Tags {
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

export const ec2Belongings: Actions = {
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
