// Where the figures come from.

import { availableParallelism, cpus } from "node:os";

export const machine: Readonly<Record<string, number | string>> = {
  node: process.version,
  cores: availableParallelism(),
  cpu: cpus()[0]?.model.trim() ?? "unknown",
  platform: `${process.platform} ${process.arch}`,
};
