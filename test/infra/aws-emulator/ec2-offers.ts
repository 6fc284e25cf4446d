// EC2: what AWS has on offer. Images, types of instances, and what they cost on spot.
import type { Actions } from "./actions.ts";
import type { Value } from "./protocol.ts";

interface Type {
  readonly vcpus: number;
  readonly memoryGb: number;
  /** USD per hour on spot, of late. */
  readonly spot: number;
  readonly gpu?: string;
}

export const instanceTypes: Readonly<Record<string, Type>> = {
  "t3.medium": { vcpus: 2, memoryGb: 4, spot: 0.0125 },
  "c7i.xlarge": { vcpus: 4, memoryGb: 8, spot: 0.07 },
  "c7i.2xlarge": { vcpus: 8, memoryGb: 16, spot: 0.14 },
  "g4dn.xlarge": { vcpus: 4, memoryGb: 16, spot: 0.21, gpu: "T4" },
  "g4dn.2xlarge": { vcpus: 8, memoryGb: 32, spot: 0.3, gpu: "T4" },
  "g5.xlarge": { vcpus: 4, memoryGb: 16, spot: 0.42, gpu: "A10G" },
  "g5.2xlarge": { vcpus: 8, memoryGb: 32, spot: 0.5, gpu: "A10G" },
  "g6.xlarge": { vcpus: 4, memoryGb: 16, spot: 0.33, gpu: "L4" },
  "g6.2xlarge": { vcpus: 8, memoryGb: 32, spot: 0.4, gpu: "L4" },
};

function gpuInfo(gpu: string | undefined): Value {
  return gpu && { gpus: [{ name: gpu, manufacturer: "NVIDIA", count: 1, memoryInfo: { sizeInMiB: 16_384 } }] };
}

export const ec2Offers: Actions = {
  DescribeImages: ({ input }, world) => {
    const wanted = [...input.texts("ImageId"), ...(input.filters().get("image-id") ?? [])];
    const ids = wanted.length === 0 ? ["ami-0123456789abcdef0"] : wanted;
    return {
      imagesSet: ids.map((imageId) => ({
        ...{ imageId, imageState: "available", name: "linux", imageOwnerId: world.account, isPublic: true },
        ...{ creationDate: "2026-01-01T00:00:00.000Z", rootDeviceName: "/dev/xvda", rootDeviceType: "ebs" },
        ...{ architecture: "x86_64", imageType: "machine", virtualizationType: "hvm", hypervisor: "xen" },
        blockDeviceMapping: [{ deviceName: "/dev/xvda", ebs: { volumeSize: 8, volumeType: "gp3" } }],
      })),
    };
  },

  DescribeInstanceTypes: ({ input }) => {
    const names = input.texts("InstanceType");
    const all = Object.entries(instanceTypes).filter(([name]) => names.length === 0 || names.includes(name));
    return {
      instanceTypeSet: all.map(([instanceType, { vcpus, memoryGb, gpu }]) => ({
        ...{ instanceType, vCpuInfo: { defaultVCpus: vcpus, defaultCores: vcpus / 2, defaultThreadsPerCore: 2 } },
        ...{ memoryInfo: { sizeInMiB: memoryGb * 1_024 }, gpuInfo: gpuInfo(gpu) },
        ...{
          burstablePerformanceSupported: instanceType.startsWith("t"),
          supportedUsageClasses: ["on-demand", "spot"],
        },
      })),
    };
  },

  /** A price an hour ago, and one a day ago that was a tenth higher. */
  DescribeSpotPriceHistory: ({ input }, world) => {
    const names = input.texts("InstanceType");
    const zones = [...world.subnets.values()].map(({ zone }) => zone);
    const all = Object.entries(instanceTypes).filter(([name]) => names.length === 0 || names.includes(name));
    const at = (hours: number): Date => new Date(world.now().getTime() - hours * 3_600_000);
    return {
      spotPriceHistorySet: [1, 24].flatMap((hours) =>
        all.flatMap(([instanceType, { spot }]) =>
          zones.map((availabilityZone) => ({
            ...{ instanceType, availabilityZone, productDescription: "Linux/UNIX", timestamp: at(hours) },
            spotPrice: (hours === 1 ? spot : spot * 1.1).toFixed(6),
          })),
        ),
      ),
    };
  },

  DescribeRegions: (_, world) => ({
    regionInfo: [{ regionName: world.region, regionEndpoint: "", optInStatus: "opt-in-not-required" }],
  }),

  DescribeAvailabilityZones: (_, world) => ({
    availabilityZoneInfo: [...world.subnets.values()].map(({ zone }) => ({
      ...{ zoneName: zone, zoneState: "available", regionName: world.region, zoneType: "availability-zone" },
    })),
  }),
};
