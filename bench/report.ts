// The table of docs/benchmarks.md: ours beside Dask and beside what was promised.

import { readFileSync, writeFileSync } from "node:fs";
import type { Spread } from "./measure.ts";
import { type Lines, type Place, type Promised, promises } from "./promises.ts";

const BEGIN = "<!-- written by `npm run bench:dask`: begin -->";
const END = "<!-- written by `npm run bench:dask`: end -->";

/** Rows of which there are figures, as Markdown. */
export function promisesTable(ours: Lines, dask: Lines): string {
  const rows = promises.filter((promised) => spreadAt(ours, promised.ours) !== null);
  return table(
    ["", "workload", "Taskflock", "Dask", "ratio", "beside it", "promise", "holds"],
    rows.map((promised) => promisedCells(promised, ours, dask)),
  );
}

/** What no promise is about. */
export function otherTable(ours: Lines): string {
  const promised = new Set(promises.map(({ ours: { workload } }) => workload));
  const rows = [...ours.values()].filter(({ workload }) => !promised.has(workload));
  return table(
    ["workload", "figure", "median (range)"],
    rows.flatMap(({ workload, figures }) =>
      Object.entries(figures).map(([name, spread]) => [workload, name, withRange(spread, "")]),
    ),
  );
}

/** CPU of each process and memory of each, where they were measured. */
export function costsTable(ours: Lines): string {
  const rows = [...ours.values()].filter(({ cpuUsPerTask }) => cpuUsPerTask !== undefined);
  return table(
    [
      "workload",
      "CPU per task, µs: client",
      "scheduler",
      "workers",
      "peak memory, MB: client",
      "scheduler",
      "a worker",
    ],
    rows.map(({ workload, cpuUsPerTask: cpu = {}, peakMb: peak = {} }) => [
      workload,
      ...["client", "scheduler", "workers"].map((role) => number(cpu[role]?.median ?? Number.NaN)),
      ...["client", "scheduler", "worker-1"].map((name) => number(peak[name] ?? Number.NaN)),
    ]),
  );
}

/** Puts the text between the page's two marks. */
export function writeBetweenMarks(file: string, text: string): void {
  const page = readFileSync(file, "utf8");
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${file} lacks its marks ${BEGIN} and ${END}`);
  writeFileSync(file, `${page.slice(0, begin + BEGIN.length)}\n\n${text.trim()}\n\n${page.slice(end)}`);
}

function promisedCells(promised: Promised, ours: Lines, dask: Lines): string[] {
  const { row, text, unit, better, promise, beside } = promised;
  const own = spreadAt(ours, promised.ours);
  const theirs = promised.dask === null ? null : spreadAt(dask, promised.dask);
  const other = beside === null ? null : spreadAt(beside.from === "ours" ? ours : dask, beside);
  const [a, b, c] = [own, theirs, other].map((spread) => spread?.median ?? Number.NaN) as [number, number, number];
  const ratio = better === "more" ? a / b : b / a;
  const enough = !promise.includes("Dask") || theirs !== null;
  const judged = enough && (beside === null || other !== null);
  return [
    row,
    text,
    withFirst(own, unit),
    withRange(theirs, unit),
    Number.isNaN(ratio) ? "" : `${number(ratio)} ×`,
    other === null ? "" : `${beside?.name}: ${withRange(other, unit)}`,
    promise,
    judged ? (promised.holds({ ours: a, dask: b, beside: c }) ? "yes" : "**no**") : "not measured",
  ];
}

function spreadAt(lines: Lines, { workload, figure }: Place): Spread | null {
  const line = lines.get(workload);
  if (figure.startsWith("cpu:")) return line?.cpuUsPerTask?.[figure.slice("cpu:".length)] ?? null;
  return line?.figures[figure] ?? null;
}

function withRange(spread: Spread | null, unit: string): string {
  if (spread === null) return "";
  return `${number(spread.median)}${unit === "" ? "" : ` ${unit}`} (${number(spread.min)}–${number(spread.max)})`;
}

/** With the first run too: a cluster that has just been started compiles its code. */
function withFirst(spread: Spread | null, unit: string): string {
  return spread === null ? "" : `${withRange(spread, unit).slice(0, -1)}; first ${number(spread.first)})`;
}

/** Three significant digits. */
function number(value: number): string {
  if (Number.isNaN(value)) return "";
  if (Math.abs(value) >= 100) return Math.round(Number(value.toPrecision(3))).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
