// The machines below instances: records alone, unless somebody gives something that boots.
import type { Instance } from "./world.ts";

export interface Hardware {
  /** Boots it with its user data; `ended` is told when it powers off by itself. */
  start(instance: Instance, ended: () => void): Promise<void>;
  /** As EC2 ends an instance: it is told to shut down, and switched off when that takes too long. Resolves when it is off. */
  stop(instance: Instance): Promise<void>;
}
