// Tasks: by status, searched for, page by page; and what failed first.

import type { TaskFilter } from "@taskflock/protocol/words";
import { overview, schedulerNow } from "../../feed/store.ts";
import { address, setQuery } from "../../frame/router.ts";
import { Empty, ErrorNote, Loading, Tabs } from "../../ui/basics.tsx";
import { number } from "../../ui/format.ts";
import "./tasks.css";
import { Failures } from "./failures.tsx";
import { Filters } from "./filters.tsx";
import { TaskTable } from "./rows.tsx";
import { filterOf, listingText, type StatusTab, statusTabs } from "./tasks-model.ts";
import { useListing } from "./use-listing.ts";

/** The tab that is none of a status. */
const FAILURES = "failures";

export function TasksPage() {
  const search = address.value.searchParams;
  const filter = filterOf(search);
  const tabs = statusTabs(filter, overview.value?.tasks ?? null, overview.value?.runs ?? []);
  const isFailures = search.get("view") === FAILURES;
  const select = (id: string): void =>
    setQuery(id === FAILURES ? { view: FAILURES, status: "" } : { view: "", status: id === "all" ? "" : id });
  return (
    <>
      <Filters filter={filter} isRunOnly={isFailures} />
      <Tabs
        label="Tasks by status"
        selected={isFailures ? FAILURES : filter.status || "all"}
        onSelect={select}
        tabs={[
          { id: "all", title: titleOf(tabs[0]!), content: () => <List filter={filter} /> },
          { id: FAILURES, title: "First failures", content: () => <Failures run={filter.run} /> },
          ...tabs.slice(1).map((tab) => ({
            id: tab.status,
            title: titleOf(tab),
            content: () => <List filter={filter} />,
          })),
        ]}
      />
    </>
  );
}

function titleOf({ title, count }: StatusTab): string {
  return count === null ? title : `${title} ${number(count)}`;
}

function List({ filter }: { readonly filter: TaskFilter }) {
  const { listing, isBusy, error, more, again } = useListing(filter);
  const text = listingText(listing, filter);
  if (listing.pages === 0 && error === null) return <Loading what="tasks" />;
  const isEmpty = listing.rows.length === 0;
  return (
    <>
      {!isEmpty && <TaskTable label="Tasks" rows={listing.rows} now={schedulerNow()} empty={null} />}
      {error !== null && <ErrorNote error={error} onRetry={again} />}
      {isEmpty && error === null && <Empty>{isBusy ? `${text} Searching on …` : text}</Empty>}
      <div class="tools">
        {!isEmpty && <span class="soft">{text}</span>}
        {listing.next !== null && (
          <button type="button" disabled={isBusy} onClick={more}>
            {isBusy ? "Searching …" : isEmpty ? "Search further" : "More"}
          </button>
        )}
        {listing.pages > 1 && (
          <button type="button" disabled={isBusy} onClick={again}>
            Begin with the newest again
          </button>
        )}
      </div>
    </>
  );
}
