// V8's sampling profiler in a process slot, for its own thread: it begins and ends when the slot's code lets it be heard.

import { type InspectorNotification, Session } from "node:inspector";
import { profileSteps } from "../profile-steps.ts";
import { type CpuProfile, type ProfileReport, ProfileTree } from "../profile-tree.ts";

export class OwnProfiler {
  readonly #session: Session = new Session();

  /** Takes a sample every `intervalUs` microseconds. */
  start(intervalUs: number): void {
    this.#session.connect();
    for (const [method, params] of profileSteps(intervalUs)) this.#post(method, params);
  }

  stop(): ProfileReport {
    const tree = new ProfileTree();
    tree.add((this.#post("Profiler.stop") as { readonly profile: CpuProfile }).profile);
    this.#session.disconnect();
    return tree.report();
  }

  /** Of one's own thread, answers come during the call. */
  #post(method: string, params: object = {}): unknown {
    let answer: unknown;
    this.#session.post(method, params, (error: Error | null, result?: InspectorNotification<object> | object) => {
      if (error !== null) throw error;
      answer = result;
    });
    return answer;
  }
}
