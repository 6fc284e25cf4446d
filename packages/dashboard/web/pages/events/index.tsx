// Events and logs: what happened in the cluster and what its tasks printed, live, in one list.

import { useSignal } from "@preact/signals";
import { useMemo, useState } from "preact/hooks";
import { events, logs, overview, wallTime, workers } from "../../feed/store.ts";
import { queryValue, setQuery } from "../../frame/router.ts";
import { Empty, Loading } from "../../ui/basics.tsx";
import { copyText, download } from "../../ui/download.ts";
import { count, dateTime, time } from "../../ui/format.ts";
import { toast } from "../../ui/toast.tsx";
import {
  asText,
  type Filter,
  filtered,
  joined,
  type Line,
  namesIn,
  type Source,
  sources,
  timeline,
} from "./events-model.ts";
import { Lines } from "./lines.tsx";
import { useEarlier } from "./use-earlier.ts";
import "./events.css";

/** The filter is in the address, so that other views can link to it, and readers can pass it on. */
function filterNow(): Filter {
  return {
    source: sources.find((name) => name === queryValue("source")) ?? "all",
    worker: queryValue("worker"),
    run: queryValue("run"),
    key: queryValue("key"),
    text: queryValue("text"),
  };
}

export function EventsPage() {
  const filter = filterNow();
  const earlier = useEarlier(filter);
  const [isWrapped, setWrapped] = useState(true);
  const paused = useSignal<readonly Line[] | null>(null);
  const all = useMemo(
    () => timeline(joined(earlier.events, events.value.items), joined(earlier.logs, logs.value.items)),
    [earlier.events, earlier.logs, events.value, logs.value],
  );
  const base = paused.value ?? all;
  const lines = useMemo(() => filtered(base, filter), [base, JSON.stringify(filter)]);
  const since = paused.value === null ? 0 : all.length - paused.value.length;
  if (overview.value === null) return <Loading what="events and logs" />;
  return (
    <>
      <Filters filter={filter} lines={all} />
      <div class="tools">
        <button
          type="button"
          aria-pressed={paused.value !== null}
          onClick={() => {
            paused.value = paused.value === null ? all : null;
          }}
        >
          {paused.value === null ? "Pause" : "Go on"}
        </button>
        <LineActions lines={lines} />
        <label>
          <input type="checkbox" checked={isWrapped} onChange={() => setWrapped(!isWrapped)} />
          Wrap
        </label>
        <span class="soft">
          {count(lines.length, "line")}
          {since > 0 && `, ${since} new since you paused`}
          {earlier.isLoading && ", loading earlier ones …"}
        </span>
      </div>
      {lines.length === 0 ? (
        <Nothing hasAny={all.length > 0} />
      ) : (
        <Lines lines={lines} follows={paused.value === null} isWrapped={isWrapped} />
      )}
    </>
  );
}

function Nothing({ hasAny }: { readonly hasAny: boolean }) {
  return (
    <Empty>
      {hasAny
        ? "Nothing fits the filter."
        : "Nothing happened yet, and nothing was printed. What tasks print with console.log, and workers that come and go, appear here."}
    </Empty>
  );
}

const sourceNames: Readonly<Record<Source, string>> = {
  all: "Events and logs",
  events: "Events",
  logs: "Logs",
  stdout: "Logs: stdout",
  stderr: "Logs: stderr",
};

function Filters({ filter, lines }: { readonly filter: Filter; readonly lines: readonly Line[] }) {
  const runNames = overview.value?.runs.map(({ name }) => name) ?? [];
  const workerNames = [...workers.value.values()].map(({ name }) => name);
  return (
    <search class="tools">
      <label>
        Show
        <select value={filter.source} onChange={({ currentTarget }) => setQuery({ source: currentTarget.value })}>
          {sources.map((name) => (
            <option key={name} value={name}>
              {sourceNames[name]}
            </option>
          ))}
        </select>
      </label>
      <Choice name="worker" label="Worker" value={filter.worker} names={namesIn(lines, workerNames, "who")} />
      <Choice name="run" label="Run" value={filter.run} names={namesIn(lines, runNames, "run")} />
      <label>
        Text
        <input
          type="search"
          placeholder="any part of a line"
          value={filter.text}
          onInput={({ currentTarget }) => setQuery({ text: currentTarget.value })}
        />
      </label>
      {filter.key !== "" && (
        <button type="button" onClick={() => setQuery({ key: "" })}>
          Task {filter.key} ×
        </button>
      )}
    </search>
  );
}

function Choice(props: {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly names: readonly string[];
}) {
  const { name, label, value, names } = props;
  const offered = value === "" || names.includes(value) ? names : [value, ...names];
  return (
    <label>
      {label}
      <select value={value} onChange={({ currentTarget }) => setQuery({ [name]: currentTarget.value })}>
        <option value="">any</option>
        {offered.map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
    </label>
  );
}

function LineActions({ lines }: { readonly lines: readonly Line[] }) {
  const text = (): string => asText(lines, (at) => dateTime(wallTime(at)));
  const copy = async (): Promise<void> => {
    try {
      await copyText(text());
      toast(`Copied ${count(lines.length, "line")}.`);
    } catch (error) {
      toast(String(error), true);
    }
  };
  return (
    <>
      <button type="button" onClick={copy} disabled={lines.length === 0}>
        Copy
      </button>
      <button
        type="button"
        onClick={() => download(`taskflock-${time(Date.now()).replaceAll(":", "-")}.log`, text(), "text/plain")}
        disabled={lines.length === 0}
      >
        Download
      </button>
    </>
  );
}
