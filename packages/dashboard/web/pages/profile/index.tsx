// Where tasks spend their time: a flame graph of the cluster's slots, or of one worker's.

import { useMemo } from "preact/hooks";
import { overview, workers } from "../../feed/store.ts";
import { queryValue, setQuery } from "../../frame/router.ts";
import { Loading } from "../../ui/basics.tsx";
import { NoWorker } from "../status/no-worker.tsx";
import { useEvery } from "../status/use-every.ts";
import { LiveProfile } from "./live-profile.tsx";

const collator = new Intl.Collator("en", { numeric: true });

export function ProfilePage() {
  const all = useEvery(workers, 1000);
  const names = useMemo(() => Array.from(all.values(), ({ name }) => name).sort(collator.compare), [all]);
  const chosen = queryValue("worker");
  const now = overview.value;
  if (now === null) return <Loading what="the cluster" />;
  if (now.workers.running + now.workers.paused + now.workers.retiring === 0) return <NoWorker />;
  return (
    <>
      <p class="soft">
        The threads of slots are sampled a thousand times a second while it is taken; tasks go on, a few percent slower.
      </p>
      <div class="tools">
        <label>
          Worker
          <select value={chosen} onChange={({ currentTarget }) => setQuery({ worker: currentTarget.value })}>
            <option value="">All workers</option>
            {names.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </div>
      <LiveProfile
        key={chosen}
        workers={chosen === "" ? [] : [chosen]}
        search={queryValue("search")}
        title="Where the time goes"
      />
    </>
  );
}
