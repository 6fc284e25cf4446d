// SshCluster, told how to start this package's CLI here, and which version it has.

import { SshCluster as AnySshCluster, type SshClusterOptions } from "@taskflock/cluster";
import { roleCommand } from "./role-command.ts";
import { version } from "./version.ts";

/** A scheduler, and workers on machines that SSH reaches. See `SshClusterOptions`. */
export const SshCluster: {
  start(options: Omit<SshClusterOptions, "roleCommand" | "version">): Promise<AnySshCluster>;
} = {
  start: (options) => AnySshCluster.start({ ...options, roleCommand, version }),
};
export type SshCluster = AnySshCluster;
