// What threads did in a profile, in a line.

import { count, percent, seconds } from "../../ui/format.ts";
import type { Profile } from "./flame-model.ts";

export function ProfileSummary({ profile, isRunning }: { readonly profile: Profile; readonly isRunning: boolean }) {
  const { functions, idleMs, garbageMs, otherMs, threads, silent, durationMs, workers } = profile;
  const busyMs = functions.reduce((sum, { totalMs }) => sum + totalMs, 0);
  const all = busyMs + idleMs + garbageMs + otherMs;
  const share = (ms: number): string => percent(all > 0 ? ms / all : 0);
  return (
    <p class="profile-summary">
      {count(threads, "slot")} of {count(workers.length, "worker")} for {seconds(durationMs / 1000)}
      {isRunning && ", and on"}: tasks {share(busyMs)}, idle {share(idleMs)}, garbage collection {share(garbageMs)},
      other {share(otherMs)}.{silent > 0 && ` ${count(silent, "slot")} did not answer: native code held them.`}
    </p>
  );
}
