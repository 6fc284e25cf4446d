// LocalCluster, told how to start this package's CLI as its processes.

import { fileURLToPath } from "node:url";
import { LocalCluster as AnyLocalCluster, type LocalClusterOptions } from "@taskflock/cluster";
import { youngGeneration } from "./young-generation.ts";

const cli = fileURLToPath(new URL("./cli.js", import.meta.url));
const roleCommand = { command: process.execPath, args: [...youngGeneration(), cli] };

/** A scheduler and workers as real processes on this machine. See `LocalClusterOptions`. */
export const LocalCluster: {
  start(options?: Omit<LocalClusterOptions, "roleCommand">): Promise<AnyLocalCluster>;
} = {
  start: (options) => AnyLocalCluster.start({ ...options, roleCommand }),
};
export type LocalCluster = AnyLocalCluster;
