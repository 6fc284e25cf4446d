// The part of a client for work that coordinates: shared objects, actors, plugins.

import {
  type Actor,
  type ActorHost,
  type ActorOptions,
  type AnyClass,
  type CallLimits,
  createActor,
  findActor,
} from "../actors/actor.ts";
import { type FileInfo, listFiles, removeFile, type UploadFileOptions, uploadFile } from "../equipment/files.ts";
import {
  listPlugins,
  type Plugin,
  type PluginInfo,
  type RegisterPluginOptions,
  registerPlugin,
  unregisterPlugin,
} from "../equipment/plugins.ts";
import { type Future, recordOf } from "../future.ts";
import { SharedEvent } from "../shared-objects/event.ts";
import { SharedLock, SharedSemaphore } from "../shared-objects/leases.ts";
import { SharedQueue, type SharedQueueOptions } from "../shared-objects/queue.ts";
import { SharedVariable } from "../shared-objects/variable.ts";
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
    return createActor(this.#actorHost(), type, args, options);
  }

  /**
   * A handle on an actor that is there, by the key that `actorKey` gave its maker, or that it was made with: for tasks (`taskClient`) and
   * other clients. The actor lives while any handle is open. T is its class: `getActor<Counter>(key)`.
   *
   * Rejects with FLOCK_ACTOR_LOST when there is none, FLOCK_OPTION_INVALID, FLOCK_ARGUMENT_INVALID.
   */
  async getActor<T extends object>(key: string, options?: CallLimits): Promise<Actor<T>> {
    const { tasks, questions } = this.open();
    const refer = async (wanted: string): Promise<Future<unknown>> => {
      const future = tasks.futureOf(tasks.add("actor", wanted, null));
      try {
        await questions.ask({ q: "actor", key: wanted, as: recordOf(future).n });
      } catch (error) {
        future.release();
        throw error;
      }
      return future;
    };
    return (await findActor(this.#actorHost(), key, options, refer)) as Actor<T>;
  }

  #actorHost(): ActorHost {
    return { submit: (fn, args, options) => this.submitInternal(fn, args, options) };
  }

  /**
   * Runs `setup({ worker, slot })` once in each slot of every worker that is there, and of those that come later, before further tasks:
   * also in slots that take the place of others, and in those of actors. Resolves when it ran in all that are there, with the number of
   * threads and processes in which it did, by worker; a slot that is busy is waited for. It stays when this client leaves.
   *
   * Rejects with FLOCK_PLUGIN_FAILED (setup threw; the cause is its error, and the plugin is not kept), FLOCK_PLUGIN_EXISTS,
   * FLOCK_FUNCTION_NOT_SERIALIZABLE, FLOCK_NOT_SERIALIZABLE, FLOCK_TOO_LARGE, FLOCK_FILES_FULL, FLOCK_ARGUMENT_INVALID,
   * FLOCK_OPTION_INVALID.
   */
  async registerPlugin<S>(
    plugin: Plugin<S>,
    options?: RegisterPluginOptions,
  ): Promise<Readonly<Record<string, number>>> {
    return registerPlugin(this.open(), plugin as unknown as Plugin<never>, options);
  }

  /**
   * Takes a plugin back: its teardown runs in each slot that has it, when that is through with what it runs. Resolves when all workers
   * were told. Rejects with FLOCK_PLUGIN_UNKNOWN and FLOCK_ARGUMENT_INVALID.
   */
  async unregisterPlugin(name: string): Promise<void> {
    return unregisterPlugin(this.open(), name);
  }

  /** All plugins that are registered, by any client. */
  async plugins(): Promise<readonly PluginInfo[]> {
    return listPlugins(this.open());
  }

  /**
   * Brings a file (its path, or its bytes with `{ name }`) to every worker that is there, and to those that come later; tasks find it by
   * `taskContext().file(name)`. A file of the same name is replaced. Resolves when all that are there have it, with their names.
   * The scheduler keeps it in memory: up to 256 MiB, all files together.
   *
   * Rejects with FLOCK_FILE_FAILED (a disk is full; then it is not kept), FLOCK_FILES_FULL, FLOCK_ARGUMENT_INVALID, FLOCK_OPTION_INVALID.
   */
  async uploadFile(source: string | URL | Uint8Array, options?: UploadFileOptions): Promise<readonly string[]> {
    return uploadFile(this.open(), source, options);
  }

  /** Removes an uploaded file from all workers. Rejects with FLOCK_FILE_UNKNOWN and FLOCK_ARGUMENT_INVALID. */
  async removeFile(name: string): Promise<void> {
    return removeFile(this.open(), name);
  }

  /** All files that were uploaded, by any client. */
  async files(): Promise<readonly FileInfo[]> {
    return listFiles(this.open());
  }

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
