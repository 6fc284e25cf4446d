// SlurmCluster, told how to start this package's CLI as its processes.

import { SlurmCluster as AnySlurmCluster, type SlurmClusterOptions } from "@taskflock/cluster";
import { roleCommand } from "./role-command.ts";

/** A scheduler next to this process, and workers as jobs of a Slurm cluster. See `SlurmClusterOptions`. */
export const SlurmCluster: {
  start(options?: Omit<SlurmClusterOptions, "roleCommand">): Promise<AnySlurmCluster>;
} = {
  start: (options) => AnySlurmCluster.start({ ...options, roleCommand }),
};
export type SlurmCluster = AnySlurmCluster;
