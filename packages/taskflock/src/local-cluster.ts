// LocalCluster, told how to start this package's CLI as its processes.

import { LocalCluster as AnyLocalCluster, type LocalClusterOptions } from "@taskflock/cluster";
import { roleCommand } from "./role-command.ts";

/** A scheduler and workers as real processes on this machine. See `LocalClusterOptions`. */
export const LocalCluster: {
  start(options?: Omit<LocalClusterOptions, "roleCommand">): Promise<AnyLocalCluster>;
} = {
  start: (options) => AnyLocalCluster.start({ ...options, roleCommand }),
};
export type LocalCluster = AnyLocalCluster;
