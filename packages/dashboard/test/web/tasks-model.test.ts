import type { PageRun, PageTaskRow, TaskStatus } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { type Failure, failuresOf, failuresSentence, sameMessages } from "../../web/pages/tasks/failures-model.ts";
import {
  filterOf,
  goesOn,
  isFiltered,
  listingText,
  noFilter,
  noListing,
  statusTabs,
  valuesOf,
  WANTED,
  withPage,
} from "../../web/pages/tasks/tasks-model.ts";

function row(task: number, changes: Partial<PageTaskRow> = {}): PageTaskRow {
  const where = { run: 0, runName: "", worker: "", attempt: 1, since: null, bytes: 0, outcome: "" };
  const what = { key: `f-${task}`, function: "f", status: "done" as TaskStatus, state: "done" };
  return { task, ...what, ...where, ...changes } as unknown as PageTaskRow;
}
const counts = { waiting: 1, queued: 2, assigned: 3, running: 4, done: 50, failed: 6, cancelled: 7 };

describe("what is searched for", () => {
  it("stands in the address and is read from it again", () => {
    const filter = { text: "fit 3", status: "failed", function: "fit", worker: "worker-1", run: 7 } as const;
    const search = new URLSearchParams(valuesOf(filter as never));
    expect(search.toString()).toBe("text=fit+3&status=failed&function=fit&worker=worker-1&run=7");
    expect(filterOf(search)).toEqual(filter);
  });

  it("is left out of the address where it says nothing", () => {
    expect(valuesOf(noFilter)).toEqual({});
    expect(valuesOf({ ...noFilter, text: "  " })).toEqual({});
    expect(isFiltered(noFilter)).toBe(false);
    expect(isFiltered({ ...noFilter, worker: "w" })).toBe(true);
  });

  it("is nothing where the address is nonsense", () => {
    expect(filterOf(new URLSearchParams("status=great&run=x&page=3"))).toEqual(noFilter);
    expect(filterOf(new URLSearchParams("run=-4"))).toEqual(noFilter);
  });
});

describe("the tabs by status", () => {
  const run = { run: 7, counts: { total: 10, done: 5, failed: 2, cancelled: 1, running: 2 } } as unknown as PageRun;
  const of = (filter: Partial<typeof noFilter>): Record<string, number | null> =>
    Object.fromEntries(statusTabs({ ...noFilter, ...filter }, counts, [run]).map((tab) => [tab.title, tab.count]));

  it("count the cluster's tasks", () => {
    expect(of({})).toEqual({
      All: 73,
      Waiting: 1,
      Queued: 2,
      Assigned: 3,
      Running: 4,
      Done: 50,
      Failed: 6,
      Cancelled: 7,
    });
  });

  it("count those of a run as far as they are known", () => {
    const all = { All: 10, Done: 5, Failed: 2, Cancelled: 1, Running: 2, Waiting: null, Queued: null, Assigned: null };
    expect(of({ run: 7 as never })).toEqual(all);
    expect(of({ run: 8 as never })["All"]).toBeNull();
  });

  it("count nothing where that would need a look at every task", () => {
    expect(of({ text: "x" })["Done"]).toBeNull();
    expect(statusTabs(noFilter, null, [])[0]).toEqual({ status: "", title: "All", count: null });
  });
});

describe("the pages that came", () => {
  const page = (tasks: readonly number[], next: number | null) => ({
    now: 0,
    items: tasks.map((id) => row(id)),
    next,
    total: 9,
  });

  it("are one list, in which a task stands once", () => {
    const listing = withPage(withPage(noListing, page([9, 8, 7], 7)), page([7, 6], null));
    expect(listing.rows.map(({ task }) => task)).toEqual([9, 8, 7, 6]);
    expect(listing).toMatchObject({ next: null, pages: 2, total: 9 });
  });

  it("go on by themselves until there is something to see, and not without end", () => {
    const empty = withPage(noListing, page([], 500));
    expect(goesOn(empty, 0, 1)).toBe(true);
    expect(goesOn(empty, 0, 10)).toBe(false);
    expect(goesOn(withPage(noListing, page([1], null)), 0, 1)).toBe(false);
    const full = withPage(
      noListing,
      page(
        Array.from({ length: WANTED }, (_, at) => at + 1),
        5,
      ),
    );
    expect(goesOn(full, 0, 1)).toBe(false);
    expect(goesOn(full, full.rows.length, 1)).toBe(true);
  });

  it("say how far was looked", () => {
    const search = { ...noFilter, text: "x" };
    const text = (tasks: readonly number[], next: number | null, filter = search): string =>
      listingText(withPage(noListing, page(tasks, next)), filter);
    expect(text([], 400)).toBe("Nothing found among the newest of 9 tasks. Older ones have not been looked at yet.");
    expect(text([], null)).toMatch(/^None of the 9 tasks is like that\./);
    expect(text([1, 2], 400)).toBe("2 tasks found so far among 9 tasks. Older ones have not been looked at yet.");
    expect(text([1, 2], null)).toBe("2 tasks found among 9 tasks: all were looked at.");
    expect(text([1, 2], 400, noFilter)).toBe("2 tasks of 9 tasks.");
    expect(listingText({ ...noListing, next: null, pages: 1 }, noFilter)).toMatch(/^The scheduler knows no task\./);
  });
});

describe("failures", () => {
  const failure = (task: number, run: number, outcome: string): Failure =>
    ({ ...row(task, { status: "failed", outcome, run: run as never }), at: task, failedKey: "" }) as Failure;
  const items = [failure(1, 1, "TypeError: a"), failure(2, 2, "RangeError: b"), failure(3, 2, "RangeError: b")];

  it("are those of all runs or of one, in their order", () => {
    expect(failuresOf({ items }, 0)).toBe(items);
    expect(failuresOf({ items }, 2).map(({ task }) => task)).toEqual([2, 3]);
  });

  it("say how many there were, and whether these are all", () => {
    expect(failuresSentence(3, 3)).toBe("3 tasks failed by themselves.");
    expect(failuresSentence(1, null)).toBe("1 task failed by itself.");
    expect(failuresSentence(3, 900)).toBe(
      "900 tasks failed by themselves: the first of each run, and the last of all, are here.",
    );
    expect(failuresSentence(0, 0)).toBe("");
  });

  it("name messages that several have", () => {
    expect(sameMessages(items)).toEqual([{ message: "RangeError: b", count: 2 }]);
  });
});
