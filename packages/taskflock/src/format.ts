// Tables for a terminal.

import type { EventLine, PrintedLines } from "@taskflock/client";
import type { ClusterInfo, GpuMetrics, StoryLine, WorkerInfo } from "@taskflock/protocol";
import { sayTensors } from "@taskflock/worker";

/** What `taskflock status` prints. */
export function formatCluster({ scheduler, workers, tasks, runs, sessions }: ClusterInfo): string {
  const counts = Object.entries(tasks).map(([status, count]) => `${count} ${status}`);
  const lines = [
    `Scheduler ${scheduler.id.slice(0, 8)}, version ${scheduler.version}, process ${scheduler.pid}, ${sessions} client${sessions === 1 ? "" : "s"}`,
    `Tasks     ${counts.join(", ")}`,
    "",
  ];
  if (workers.length === 0) lines.push("No workers. Start one with: taskflock worker");
  else {
    lines.push(
      ...columns([
        ["WORKER", "STATUS", "BUSY", "ASSIGNED", "FINISHED", "CPU", "MEMORY", "STORED", "RESOURCES"],
        ...workers.map((worker) => [
          worker.name,
          worker.status,
          `${worker.running}/${worker.slots}`,
          String(worker.assigned),
          String(worker.finished),
          worker.metrics === null ? "-" : `${Math.round(worker.metrics.cpuPercent)}%`,
          worker.metrics === null ? "-" : formatBytes(worker.metrics.rssBytes),
          formatBytes(worker.storedBytes),
          Object.entries(worker.resources)
            .map(([name, amount]) => `${name} ${(worker.resourcesUsed[name] ?? 0) / 10_000}/${amount / 10_000}`)
            .join(" "),
        ]),
      ]),
    );
  }
  lines.push(...gpuLines(workers), ...tensorLines(workers));
  if (runs.length > 0) {
    lines.push(
      "",
      ...columns([
        ["RUN", "STATUS", "STEPS", "RUNNING", "DONE", "FAILED"],
        ...runs.map((run) => [
          run.name,
          run.status,
          run.steps > 0 ? `${run.stepsDone}/${run.steps}` : "-",
          String(run.counts.running),
          String(run.counts.done),
          String(run.counts.failed),
        ]),
      ]),
    );
  }
  return lines.join("\n");
}

/** What is known of GPUs; nothing where there are none. */
function gpuLines(workers: readonly WorkerInfo[]): string[] {
  const rows = workers.flatMap(({ name, metrics }) => (metrics?.gpus ?? []).map((gpu) => gpuRow(name, gpu)));
  return rows.length === 0 ? [] : ["", ...columns([["WORKER", "GPU", "NAME", "LOAD", "MEMORY"], ...rows])];
}

function gpuRow(
  worker: string,
  { device, name, utilization, memoryUsedBytes: used, memoryTotalBytes: total }: GpuMetrics,
): string[] {
  const load = utilization === null ? "-" : `${Math.round(utilization * 100)} %`;
  const memory = used === null || total === null ? "-" : `${formatBytes(used)} of ${formatBytes(total)}`;
  return [worker, device, name, load, memory];
}

/** `w-1: tensors in threads: wasm (tfjs 4.22.0)`. */
function tensorLines(workers: readonly WorkerInfo[]): string[] {
  const lines = workers.flatMap(({ name, tensors }) => tensors.map((one) => `${name}: ${sayTensors(one)}`));
  return lines.length === 0 ? [] : ["", ...lines.map(onOneLine)];
}

/** A task's transitions, oldest first; times in seconds since the first. */
export function formatStory(story: readonly StoryLine[]): string {
  const start = story[0]?.at ?? 0;
  return columns(
    story.map((line) => [
      `${((line.at - start) / 1e6).toFixed(6)} s`,
      `#${line.cause}`,
      `${line.from} -> ${line.to}`,
      line.detail,
    ]),
  ).join("\n");
}

/** `2026-11-21 18:20:05  #812  workerLost  w-1  SIGKILL`. */
export function eventLine({ time, cause, kind, who, key, text }: EventLine): string {
  return [localTime(time), `#${cause}`.padEnd(8), kind.padEnd(16), who, key, text]
    .filter((part) => part !== "")
    .map(onOneLine)
    .join("  ");
}

/** Each line with its time and origin before it. */
export function printedLines({ time, worker, key, text }: PrintedLines): string {
  const origin = `${localTime(time)}  [${onOneLine(key === "" ? worker : `${worker} ${key}`)}] `;
  const lines = text.endsWith("\n") ? text.slice(0, -1) : text;
  return origin + lines.replaceAll("\n", `\n${origin}`);
}

/** A name of somebody's choice breaks no line, and commands no terminal. */
function onOneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1));
}

/** In the reader's zone, by the second. */
function localTime(time: Date): string {
  return time.toLocaleString("sv-SE");
}

/** Left-aligned columns two spaces apart, as wide as their widest cell. */
export function columns(given: readonly (readonly string[])[]): string[] {
  const rows = given.map((row) => row.map(onOneLine));
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
    });
  }
  return rows.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

export function formatBytes(value: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let amount = value;
  let unit = 0;
  while (amount >= 1024 && unit < units.length - 1) {
    amount /= 1024;
    unit++;
  }
  return `${unit === 0 ? amount : amount.toFixed(1)} ${units[unit]}`;
}
