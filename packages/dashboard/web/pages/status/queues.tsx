// What is queued, and what for.

import { overview } from "../../feed/store.ts";
import { href } from "../../frame/routes.ts";
import { Empty, Section } from "../../ui/basics.tsx";
import { queueWords } from "./status-model.ts";
import { useEvery } from "./use-every.ts";

export function Queues() {
  const queues = useEvery(overview, 1000)?.queues ?? [];
  return (
    <Section title="Queue" tools={<a href={`${href("tasks")}?status=queued`}>queued tasks</a>}>
      {queues.length === 0 ? (
        <Empty>Nothing is queued.</Empty>
      ) : (
        <ul class="queue-lines">
          {queues.map((line) => (
            <li key={line.asks} class={line.places === 0 ? "is-bad" : ""}>
              {queueWords(line)}
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}
