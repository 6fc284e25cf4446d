// LocalCluster, told how to start this package's CLI as its processes.

import { fileURLToPath } from "node:url";
import { LocalCluster as AnyLocalCluster, type LocalClusterOptions } from "@taskflock/cluster";

const cli = fileURLToPath(new URL("./cli.js", import.meta.url));

/** A scheduler and workers as real processes on this machine. See `LocalClusterOptions`. */
export const LocalCluster: {
  start(options?: Omit<LocalClusterOptions, "roleCommand">): Promise<AnyLocalCluster>;
} = {
  start: (options) => AnyLocalCluster.start({ ...options, roleCommand: { command: process.execPath, args: [cli] } }),
};
export type LocalCluster = AnyLocalCluster;
