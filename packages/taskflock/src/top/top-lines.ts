// The essential page as lines of text: what limits the cluster, tasks, runs, workers, functions. Pure.

import { ALL_RUNS, progressOf, sayDuration, sayRate } from "@taskflock/dashboard/watch";
import type { FunctionProgress, PageOverview, PageRun, PageWorker, RunRate } from "@taskflock/protocol/words";
import { formatBytes } from "../format.ts";
import { bar, clip, type Line, type Piece, renderLine, tame, widthOf, wrap } from "./styled.ts";
import { type Column, table } from "./table.ts";
import { type Shown, type SortColumn, sorted, type View } from "./top-state.ts";

export interface Screen {
  readonly columns: number;
  /** Null: as many as it takes, without the line of keys. */
  readonly rows: number | null;
  readonly colour: boolean;
}

const BAR = 12;
/** With fewer rows, what is on top is kept short. */
const LOW = 16;

/** At most `rows` lines of at most `columns` characters. */
export function topLines(shown: Shown, view: View, { columns, rows, colour }: Screen): string[] {
  const isLow = rows !== null && rows < LOW;
  const top = [titleLine(shown, columns), ...limitLines(shown, columns, isLow), ...countLines(shown, columns, isLow)];
  const keys = rows === null ? [] : [keyLine(view)];
  const room = rows === null ? Number.POSITIVE_INFINITY : rows - top.length - keys.length;
  const lines = [...top, ...tables(shown, view, columns, room)].slice(
    0,
    rows === null ? undefined : rows - keys.length,
  );
  if (rows !== null) while (lines.length < rows - keys.length) lines.push([]);
  return [...lines, ...keys].map((line) => renderLine(line, columns, colour));
}

function titleLine({ address, overview, wall, connected }: Shown, columns: number): Line {
  const { scheduler, sessions } = overview;
  const up = sayDuration(Math.max(1, (wall - scheduler.startedAtMs) / 1000));
  const clients = `${sessions} client${sessions === 1 ? "" : "s"}`;
  const left = `Taskflock ${tame(address)}`;
  const right = connected ? `up ${up}, ${clients}` : "no link";
  const gap = columns - widthOf(left) - widthOf(right);
  return [[left, "bold"], [" ".repeat(Math.max(2, gap))], [right, connected ? "dim" : "bad"]];
}

function limitLines({ limit, connected }: Shown, columns: number, isLow: boolean): readonly Line[] {
  return wrap(tame(limit), columns, isLow ? 2 : 4).map((text): Line => [[text, connected ? "plain" : "bad"]]);
}

function countLines({ overview, rates }: Shown, columns: number, isLow: boolean): readonly Line[] {
  const { tasks, busy, slots, memoryLimitBytes: limit, rssBytes, spilledBytes } = overview;
  const always = new Set(["queued", "running"]);
  const counts = Object.entries(tasks).filter(([status, count]) => count > 0 || always.has(status));
  const pieces = counts.map(([status, count]): Piece => {
    return [`${count.toLocaleString("en")} ${status}`, status === "failed" && count > 0 ? "bad" : "plain"];
  });
  const rate = rates.get(ALL_RUNS);
  const facts = [`${busy} of ${slots} busy`];
  facts.push(`memory ${formatBytes(rssBytes)}${limit === 0 ? "" : ` of ${formatBytes(limit)}`}`);
  if (spilledBytes > 0) facts.push(`${formatBytes(spilledBytes)} on disk`);
  if (rate !== undefined && speed(rate) !== "") facts.push(speed(rate));
  const most = isLow ? 1 : undefined;
  const known = facts.map((text): Piece => [text]);
  return [
    ...flowing("Tasks  ", pieces, columns).slice(0, most),
    ...flowing("Slots  ", known, columns).slice(0, most),
    [],
  ];
}

function speed({ perSecond, secondsLeft }: RunRate): string {
  if (perSecond === null || secondsLeft === 0) return "";
  return `${sayRate(perSecond)} per second${secondsLeft === null ? "" : `, ${sayDuration(secondsLeft)} left`}`;
}

/** Pieces after a title, as many in a line as have room. */
function flowing(title: string, pieces: readonly Piece[], columns: number): readonly Line[] {
  const lines: Piece[][] = [[[title, "dim"]]];
  let width = title.length;
  pieces.forEach(([text, look = "plain"], index) => {
    const more = index < pieces.length - 1 ? ", " : "";
    if (width + widthOf(text) + more.length > columns && width > title.length) {
      lines.push([[" ".repeat(title.length)]]);
      width = title.length;
    }
    lines.at(-1)!.push([text, look], [more]);
    width += widthOf(text) + more.length;
  });
  return lines;
}

/** Runs, workers, functions: each gets what it needs, and where that is too much, workers most of it. */
function tables(shown: Shown, view: View, columns: number, room: number): readonly Line[] {
  const { overview } = shown;
  const runs = runsToShow(overview);
  const functions = functionsToShow(overview);
  const workers = sorted(shown.workers, view.sort);
  const [runRows, workerRows, functionRows] = shares(room, runs.length, workers.length, functions.length);
  const scroll = Math.min(view.scroll, Math.max(0, workers.length - workerRows));
  return [
    ...section(table(runColumns(shown.rates), runs.slice(0, runRows), columns), runs.length - runRows, "run"),
    ...section(
      table(workerColumns(view.sort), workers.slice(scroll, scroll + workerRows), columns),
      workers.length - workerRows,
      "worker",
    ),
    ...section(
      table(functionColumns, functions.slice(0, functionRows), columns),
      functions.length - functionRows,
      "function",
    ),
  ];
}

/** Rows of each; a table takes its head and an empty line after it as well. */
function shares(room: number, runs: number, workers: number, functions: number): readonly [number, number, number] {
  let left = room;
  const give = (wanted: number, most: number): number => {
    const rows = Math.max(0, Math.min(wanted, most, left - 1));
    if (rows > 0) left -= rows + 2;
    return rows;
  };
  const runRows = give(runs, Number.isFinite(room) ? Math.max(1, Math.floor(room / 5)) : runs);
  const functionRoom = Number.isFinite(room) ? Math.floor(room / 4) : functions;
  const kept = left - (room < 12 ? 0 : Math.min(functions, functionRoom) + 2);
  const workerRows = give(workers, Math.max(1, kept - 2));
  return [runRows, workerRows, give(functions, functionRoom)];
}

function section(lines: readonly Line[], hidden: number, noun: string): readonly Line[] {
  if (lines.length <= 1) return [];
  const more: Line = hidden > 0 ? [[`and ${hidden} ${noun}${hidden === 1 ? "" : "s"} more`, "dim"]] : [];
  return [...lines, more];
}

/** Open ones that have something, then the last that ended. */
function runsToShow({ runs }: PageOverview): readonly PageRun[] {
  const used = runs.filter(({ counts, steps }) => counts.total > 0 || steps > 0);
  const isOpen = (run: PageRun): number => Number(run.status === "open" && !isDone(run));
  return used.sort((a, b) => isOpen(b) - isOpen(a) || b.run - a.run);
}

function isDone(run: PageRun): boolean {
  const { done, total } = progressOf(run);
  return done >= total;
}

function functionsToShow({ functions }: PageOverview): readonly FunctionProgress[] {
  const busy = ({ waiting, queued, active }: FunctionProgress): number => waiting + queued + active;
  return [...functions].sort((a, b) => Number(busy(b) > 0) - Number(busy(a) > 0) || b.spentUs - a.spentUs);
}

function runColumns(rates: ReadonlyMap<number, RunRate>): readonly Column<PageRun>[] {
  const left = ({ run }: PageRun): string => {
    const seconds = rates.get(run)?.secondsLeft ?? null;
    return seconds === null ? "-" : seconds === 0 ? "" : sayDuration(seconds);
  };
  const perSecond = ({ run }: PageRun): string => {
    const rate = rates.get(run)?.perSecond ?? null;
    return rate === null ? "-" : `${sayRate(rate)}/s`;
  };
  return [
    { title: "RUN", rank: 0, least: 8, cell: ({ name }) => clip(name, 32) },
    { title: "", rank: 5, cell: (run) => progressBar(run) },
    {
      title: "DONE",
      rank: 1,
      align: "right",
      cell: (run) => `${number(progressOf(run).done)} of ${number(progressOf(run).total)}`,
    },
    { title: "RATE", rank: 4, align: "right", cell: perSecond },
    { title: "LEFT", rank: 2, align: "right", cell: left },
    {
      title: "FAILED",
      rank: 3,
      align: "right",
      cell: ({ counts }) => number(counts.failed),
      look: ({ counts }) => (counts.failed > 0 ? "bad" : "plain"),
    },
    { title: "STATUS", rank: 6, cell: ({ status }) => status },
  ];
}

function progressBar(run: PageRun): string {
  const { done, total } = progressOf(run);
  return bar(total === 0 ? 0 : done / total, BAR);
}

function workerColumns(sort: SortColumn): readonly Column<PageWorker>[] {
  const title = (text: string, column: SortColumn): string => (column === sort ? `${text}▼` : text);
  return [
    { title: title("WORKER", "name"), rank: 0, least: 8, cell: ({ name }) => clip(name, 32) },
    {
      title: "STATUS",
      rank: 4,
      cell: ({ status }) => status,
      look: ({ status }) => (status === "running" ? "plain" : "warn"),
    },
    {
      title: title("TASKS", "tasks"),
      rank: 1,
      align: "right",
      cell: ({ running, assigned, slots }) =>
        `${running}/${slots}${assigned > running ? ` +${assigned - running}` : ""}`,
    },
    {
      title: title("CPU", "cpu"),
      rank: 2,
      align: "right",
      cell: ({ metrics }) => (metrics === null ? "-" : `${Math.round(metrics.cpuPercent)} %`),
    },
    {
      title: title("MEMORY", "memory"),
      rank: 3,
      align: "right",
      cell: ({ metrics }) => (metrics === null ? "-" : formatBytes(metrics.rssBytes)),
    },
    { title: "LIMIT", rank: 7, align: "right", cell: ({ memoryLimitBytes }) => formatBytes(memoryLimitBytes) },
    { title: title("STORED", "stored"), rank: 5, align: "right", cell: ({ storedBytes }) => formatBytes(storedBytes) },
    { title: "ENDED", rank: 6, align: "right", cell: ({ finished }) => number(finished) },
  ];
}

const functionColumns: readonly Column<FunctionProgress>[] = [
  { title: "FUNCTION", rank: 0, least: 8, cell: ({ name }) => clip(name, 32) },
  { title: "TO COME", rank: 3, align: "right", cell: ({ waiting, queued }) => number(waiting + queued) },
  { title: "ACTIVE", rank: 2, align: "right", cell: ({ active }) => number(active) },
  { title: "DONE", rank: 1, align: "right", cell: ({ done }) => number(done) },
  {
    title: "FAILED",
    rank: 4,
    align: "right",
    cell: ({ failed }) => number(failed),
    look: ({ failed }) => (failed > 0 ? "bad" : "plain"),
  },
  {
    title: "MEDIAN",
    rank: 5,
    align: "right",
    cell: ({ medianUs }) => (medianUs === null ? "-" : sayDuration(medianUs / 1e6)),
  },
  { title: "TIME SPENT", rank: 6, align: "right", cell: ({ spentUs }) => sayDuration(spentUs / 1e6) },
];

function keyLine({ sort, isPaused }: View): Line {
  const keys: Piece[] = [["q quit   s sort: "], [sort, "bold"], ["   ↑↓ scroll   p "], [isPaused ? "go on" : "pause"]];
  return isPaused ? [["PAUSED   ", "warn"], ...keys] : keys;
}

function number(value: number): string {
  return value.toLocaleString("en");
}
