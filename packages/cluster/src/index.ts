export { Adaptive, type AdaptiveEvent, type AdaptOptions, RunningAdaptive, type Supplier } from "./adaptive.ts";
export { AwsCluster } from "./aws/aws-cluster.ts";
export type { AwsFleet } from "./aws/fleet.ts";
export { type ClusterProcess, LocalCluster } from "./local-cluster.ts";
export type { LocalClusterOptions, RoleCommand } from "./options.ts";
export { makePageLink } from "./page-link.ts";
export type { SlurmEvent } from "./slurm/events.ts";
export type { SlurmClusterOptions } from "./slurm/options.ts";
export { SlurmCluster } from "./slurm/slurm-cluster.ts";
