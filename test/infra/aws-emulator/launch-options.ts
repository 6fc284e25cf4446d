// What an instance shall be, from the fields that RunInstances and launch templates share.
import type { Input } from "./input.ts";
import { tagsFor } from "./tags.ts";
import type { Disk, LaunchOptions, World } from "./world.ts";

/** What the asker adds or changes. */
export interface Overrides {
  readonly instanceType?: string;
  readonly subnet?: string;
  readonly isSpot?: boolean;
}

function profileName(input: Input): string | undefined {
  const profile = input.part("IamInstanceProfile");
  return profile.maybe("Name") ?? profile.maybe("Arn")?.replace(/^.*instance-profile\//, "");
}

function diskOf(input: Input): Disk {
  const [mapping] = input.parts("BlockDeviceMapping");
  const ebs = mapping?.part("Ebs");
  return {
    device: mapping?.maybe("DeviceName") ?? "/dev/xvda",
    sizeGb: ebs?.number("VolumeSize") ?? 8,
    type: ebs?.maybe("VolumeType") ?? "gp3",
    encrypted: ebs?.flag("Encrypted") ?? false,
  };
}

export function launchOptions(input: Input, world: World, overrides: Overrides = {}): LaunchOptions {
  const [network] = input.parts("NetworkInterface");
  const groups = [...input.texts("SecurityGroupId"), ...(network?.texts("SecurityGroupId") ?? [])];
  const firstSubnet = [...world.subnets.keys()][0] ?? "";
  return {
    imageId: input.text("ImageId"),
    instanceType: overrides.instanceType ?? input.text("InstanceType"),
    keyName: input.maybe("KeyName"),
    userData: input.maybe("UserData") ?? "",
    profile: profileName(input),
    subnet: overrides.subnet ?? network?.maybe("SubnetId") ?? input.maybe("SubnetId") ?? firstSubnet,
    securityGroups: groups,
    privateIp: network?.maybe("PrivateIpAddress") ?? input.maybe("PrivateIpAddress"),
    isSpot: overrides.isSpot ?? input.part("InstanceMarketOptions").maybe("MarketType") === "spot",
    hopLimit: input.part("MetadataOptions").number("HttpPutResponseHopLimit") ?? 1,
    shutdownBehavior: input.maybe("InstanceInitiatedShutdownBehavior") ?? "stop",
    disk: diskOf(input),
    instanceTags: tagsFor(input, "instance"),
    volumeTags: tagsFor(input, "volume"),
  };
}
