// What to do about an empty cluster.

import { Empty } from "../../ui/basics.tsx";

export function NoWorker() {
  return (
    <Empty>
      No worker yet. Start one: <code>taskflock worker {location.hostname}:8786</code>
    </Empty>
  );
}
