// How a worker went, and what it ran then.

import type { GoneWorker } from "@taskflock/protocol/words";
import { wallTime } from "../../feed/store.ts";
import { href } from "../../frame/routes.ts";
import { ago, bytes, dateTime, duration, number } from "../../ui/format.ts";
import { departureWords } from "./workers-model.ts";

export function Departure({ gone }: { readonly gone: GoneWorker }) {
  const { goneAt, joinedAt, finished, storedBytes, metrics, running, planned } = gone;
  return (
    <section class={planned ? "departure" : "departure lost"} aria-label="How it went">
      <p>
        <strong>
          Gone since {dateTime(wallTime(goneAt))} ({ago(wallTime(goneAt), Date.now())}).
        </strong>{" "}
        {departureWords(gone)}
      </p>
      {running.length > 0 && (
        <ul>
          {running.map(({ task, key, startedAt }) => (
            <li key={task}>
              <a class="mono" href={href("tasks", task)}>
                {key || `task ${task}`}
              </a>
              {startedAt !== null && <span class="soft"> had run for {duration(goneAt - startedAt)}</span>}
            </li>
          ))}
        </ul>
      )}
      <p class="soft">
        It was there for {duration(goneAt - joinedAt)}, finished {number(finished)} tasks and held {bytes(storedBytes)}{" "}
        of results
        {metrics !== null &&
          `; its last heartbeat said ${bytes(metrics.rssBytes)} of memory and ${Math.round(metrics.cpuPercent)} % CPU`}
        .
      </p>
    </section>
  );
}
