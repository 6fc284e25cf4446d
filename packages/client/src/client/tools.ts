// The part of a client for work that coordinates: shared objects, actors, plugins.

import { SharedEvent } from "../shared-objects/event.ts";
import { SharedLock, SharedSemaphore } from "../shared-objects/leases.ts";
import { SharedQueue, type SharedQueueOptions } from "../shared-objects/queue.ts";
import { SharedVariable } from "../shared-objects/variable.ts";
import { ClientData } from "./data.ts";

/** Users hold a `Client`, which has more. */
export class ClientTools extends ClientData {
  /**
   * A queue that all clients share by its name: elements are futures, or values of up to 64 KiB. `maxSize`: how many it takes before
   * `put` waits; default any number. Throws FLOCK_ARGUMENT_INVALID and FLOCK_OPTION_INVALID.
   */
  queue<T>(name: string, options?: SharedQueueOptions): SharedQueue<T> {
    return new SharedQueue(this.open(), name, options);
  }

  /** A lock that all clients share by its name. What a client holds is free again when its session ends. */
  lock(name: string): SharedLock {
    return new SharedLock(this.open(), name);
  }

  /** A lock for `leases` holders at a time (1 to 1,000,000), shared by all clients under its name. */
  semaphore(name: string, options: { readonly leases: number }): SharedSemaphore {
    return new SharedSemaphore(this.open(), name, options);
  }

  /** Something that has happened or not, shared by all clients under its name. */
  event(name: string): SharedEvent {
    return new SharedEvent(this.open(), name);
  }

  /** A value that all clients share by its name: a future, or a value of up to 64 KiB. */
  variable<T>(name: string): SharedVariable<T> {
    return new SharedVariable(this.open(), name);
  }
}
