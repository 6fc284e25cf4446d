// The part of a client for work that coordinates: shared objects, actors, plugins.

import { type Actor, type ActorHost, type ActorOptions, type AnyClass, createActor } from "../actors/actor.ts";
import type { Arguments } from "../types.ts";
import { ClientData } from "./data.ts";

/** Users hold a `Client`, which has more. */
export class ClientTools extends ClientData {
  /**
   * Makes `new type(...args)` on a worker, where it stays: each call of a method runs there, and gives a future at once. The calls of
   * one client run in the order in which they were made, one at a time. Resolves once the constructor has run.
   *
   * Rejects with what the constructor threw, and with FLOCK_FUNCTION_NOT_SERIALIZABLE, FLOCK_NOT_SERIALIZABLE, FLOCK_OPTION_INVALID,
   * FLOCK_ARGUMENT_INVALID. Calls fail with what the method threw, and with FLOCK_ACTOR_LOST once the actor is gone.
   */
  actor<A extends readonly unknown[], T extends object>(
    type: new (...args: A) => T,
    args: Arguments<A>,
    options?: ActorOptions,
  ): Promise<Actor<T>>;
  async actor(type: AnyClass, args: readonly unknown[], options?: ActorOptions): Promise<object> {
    this.open();
    const host: ActorHost = { submit: (fn, given, own) => this.submitInternal(fn, given, own) };
    return createActor(host, type, args, options);
  }
}
