// What the scheduler asks of the profiler, one thing after the other.

import { NO_PAYLOAD, type PayloadStore, type Profiled } from "@taskflock/protocol";
import type { ProfileReport } from "./profile-tree.ts";
import type { Profiler } from "./profiler.ts";

/** The text is sent as one message: what does not fit in a frame is not sent. */
const MAX_TEXT_BYTES: number = 2 * 1024 * 1024;

/** Slots in processes of their own. */
export interface Sampled {
  startProfile(intervalUs: number): void;
  takeProfiles(): Promise<ProfileReport | null>[];
}

export class Profiles {
  readonly #payloads: PayloadStore;
  readonly #slots: Sampled;
  #profiler: Profiler | null = null;
  #last: Promise<void> = Promise.resolve();

  constructor(payloads: PayloadStore, slots: Sampled) {
    this.#payloads = payloads;
    this.#slots = slots;
  }

  /** `intervalUs` 0 ends it, and `tell` is called with what was sampled. Never rejects. */
  ask(intervalUs: number, tell: (message: Profiled) => void): Promise<void> {
    this.#last = this.#last.then(() => (intervalUs > 0 ? this.#start(intervalUs) : this.#stop(tell)));
    return this.#last;
  }

  async #start(intervalUs: number): Promise<void> {
    if (this.#profiler !== null) return;
    const { Profiler } = await import("./profiler.ts");
    this.#profiler = new Profiler(intervalUs);
    this.#slots.startProfile(intervalUs);
    await this.#profiler.start().catch(() => undefined); // `stop` says why
  }

  async #stop(tell: (message: Profiled) => void): Promise<void> {
    const profiler = this.#profiler;
    this.#profiler = null;
    if (profiler === null) return refuse(tell, "it was not being profiled");
    try {
      const text = Buffer.from(await profiler.stop(this.#slots.takeProfiles()));
      if (text.length > MAX_TEXT_BYTES) return refuse(tell, `its profile has ${text.length} bytes; take a shorter one`);
      const data = this.#payloads.put(text);
      tell({ t: "profiled", data, dataBytes: text.length, message: "" });
      this.#payloads.free(data);
    } catch (error) {
      refuse(tell, error instanceof Error ? error.message : String(error));
    }
  }
}

function refuse(tell: (message: Profiled) => void, message: string): void {
  tell({ t: "profiled", data: NO_PAYLOAD, dataBytes: 0, message: message.slice(0, 1024) });
}
