// What a client that locks and queues (sharer.ts) needs of its process.

import type { PayloadRef, SharedQuestion } from "@taskflock/protocol/words";
import { NO_PAYLOAD } from "@taskflock/protocol/words";
import type { ClientProcess } from "./client-process.ts";
import type { Content } from "./payloads.ts";
import type { SharingClient } from "./sharer.ts";
import { makesActor, type TaskSpec } from "./tasks.ts";

export class SharingEnd implements SharingClient {
  readonly #process: ClientProcess;

  constructor(process: ClientProcess) {
    this.#process = process;
  }

  get name(): string {
    return this.#process.name;
  }

  get isAlive(): boolean {
    return this.#process.state === "alive";
  }

  get sessionId(): number {
    return this.#process.link.id;
  }

  askShared(question: SharedQuestion, id?: number): number {
    const asked = this.#process.askAs(question, id);
    if (asked === 0 && "data" in question && question.data !== NO_PAYLOAD) this.#process.payloads.free(question.data);
    return asked;
  }

  put(content: Content): PayloadRef {
    return this.#process.payloads.put(content);
  }

  take(ref: PayloadRef): Content | null {
    if (ref === NO_PAYLOAD) return null;
    const content = this.#process.payloads.get(ref);
    this.#process.payloads.free(ref);
    return content;
  }

  someFuture(): number {
    for (const { n, plan, released } of this.#process.futures.values())
      if (!released && endsSomeDay(plan.spec)) return n;
    return 0;
  }
}

/** Somebody may keep it when its client has let go of it. */
function endsSomeDay(spec: TaskSpec): boolean {
  return !spec.endless && !makesActor(spec) && spec.inputs.every(endsSomeDay);
}
