export { type ClusterProcess, LocalCluster } from "./local-cluster.ts";
export type { LocalClusterOptions, RoleCommand } from "./options.ts";
