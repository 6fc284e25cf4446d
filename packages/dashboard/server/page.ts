// The first status page: server-rendered, one script that fetches the same markup again.

import type { ClusterInfo, RunInfo, WorkerInfo } from "@taskflock/protocol/words";
import { limitOf } from "./limit.ts";

/** The whole document. */
export function renderPage(cluster: ClusterInfo): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Taskflock</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/status/page.css">
<script src="/status/page.js" defer></script>
</head>
<body>
<header><h1>Taskflock</h1><p id="link" role="status"></p></header>
<main id="main">${renderMain(cluster)}</main>
</body>
</html>
`;
}

/** What the script replaces every second. */
export function renderMain(cluster: ClusterInfo): string {
  const { scheduler, workers, runs } = cluster;
  return `<p class="limit">${escapeHtml(limitOf(cluster))}</p>
<section><h2>Tasks</h2>${taskCounts(cluster)}</section>
<section><h2>Runs</h2>${runs.length === 0 ? '<p class="empty">No runs yet.</p>' : runTable(runs)}</section>
<section><h2>Workers</h2>${workers.length === 0 ? '<p class="empty">No workers yet. Start one with <code>taskflock worker</code>.</p>' : workerTable(workers)}</section>
<footer>Scheduler ${escapeHtml(scheduler.id.slice(0, 8))}, version ${escapeHtml(scheduler.version)}, process ${scheduler.pid}, started ${new Date(scheduler.startedAtMs).toISOString().replace("T", " ").slice(0, 19)} UTC, ${plural(cluster.sessions, "client")}</footer>`;
}

function taskCounts({ tasks }: ClusterInfo): string {
  return `<dl class="counts">${Object.entries(tasks)
    .map(([status, count]) => `<div class="${status}"><dt>${status}</dt><dd>${number(count)}</dd></div>`)
    .join("")}</dl>`;
}

function runTable(runs: readonly RunInfo[]): string {
  const rows = runs.map(
    (run) =>
      `<tr><th scope="row">${escapeHtml(run.name)}</th><td>${run.status}</td><td class="wide">${runProgress(run)}</td><td>${number(run.counts.running)}</td><td>${number(run.counts.done)}</td><td>${number(run.counts.failed)}</td></tr>`,
  );
  return table(["Run", "Status", "Progress", "Running", "Done", "Failed"], rows);
}

function runProgress(run: RunInfo): string {
  const [value, max] =
    run.steps > 0
      ? [run.stepsDone, run.steps]
      : [run.counts.done + run.counts.failed + run.counts.cancelled, run.counts.total];
  if (max === 0) return "";
  return `<progress value="${value}" max="${max}" aria-label="${escapeHtml(run.name)}"></progress> ${number(value)} of ${number(max)}`;
}

function workerTable(workers: readonly WorkerInfo[]): string {
  const rows = workers.map((worker) => {
    const resources = Object.entries(worker.resources).map(
      ([name, amount]) => `${escapeHtml(name)} ${(worker.resourcesUsed[name] ?? 0) / 10_000} of ${amount / 10_000}`,
    );
    return `<tr><th scope="row">${escapeHtml(worker.name)}</th><td>${worker.status}</td><td>${worker.running} of ${worker.slots}</td><td>${number(worker.assigned)}</td><td>${number(worker.finished)}</td><td>${cpu(worker)}</td><td>${memory(worker)}</td><td>${bytes(worker.storedBytes)} in ${number(worker.stored)}</td><td>${resources.join(", ")}</td></tr>`;
  });
  return table(
    ["Worker", "Status", "Slots busy", "Assigned", "Finished", "CPU", "Memory", "Results held", "Resources"],
    rows,
  );
}

function cpu({ metrics }: WorkerInfo): string {
  return metrics === null ? "–" : `${Math.round(metrics.cpuPercent)} %`;
}

function memory({ metrics, memoryLimitBytes }: WorkerInfo): string {
  return metrics === null ? "–" : `${bytes(metrics.rssBytes)} of ${bytes(memoryLimitBytes)}`;
}

function table(heads: readonly string[], rows: readonly string[]): string {
  return `<div class="scroll"><table><thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join("")}</tr></thead><tbody>${rows.join("")}</tbody></table></div>`;
}

function number(value: number): string {
  return value.toLocaleString("en");
}

function plural(count: number, noun: string): string {
  return `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
}

function bytes(value: number): string {
  if (value < 1024) return `${value} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let amount = value / 1024;
  let unit = 0;
  while (amount >= 1024 && unit < units.length - 1) {
    amount /= 1024;
    unit++;
  }
  return `${amount.toFixed(amount < 10 ? 1 : 0)} ${units[unit]}`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

export const pageScript: string = `"use strict";
const main = document.getElementById("main");
const link = document.getElementById("link");
async function refresh() {
  try {
    const answer = await fetch("/status/main");
    if (!answer.ok) throw new Error(String(answer.status));
    main.innerHTML = await answer.text();
    link.textContent = "";
    document.body.classList.remove("lost");
  } catch {
    link.textContent = "The scheduler does not answer; trying again.";
    document.body.classList.add("lost");
  }
  setTimeout(refresh, document.hidden ? 5000 : 1000);
}
setTimeout(refresh, 1000);
`;

export const pageStyle: string = `:root { color-scheme: light dark; --text: light-dark(#1b1f24, #e6e8eb); --soft: light-dark(#59636e, #9aa4af);
  --line: light-dark(#d8dee4, #30363d); --back: light-dark(#ffffff, #0f1317); --accent: light-dark(#0b6bcb, #58a6ff); --bad: light-dark(#b42318, #ff7b72); }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1rem; font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); }
header { display: flex; align-items: baseline; gap: 1rem; flex-wrap: wrap; }
h1 { font-size: 1.25rem; margin: 0; } h2 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
#link { color: var(--bad); margin: 0; } .lost main { opacity: .5; }
.limit { font-size: 1.15rem; margin: .75rem 0; }
.counts { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 0; } .counts dt { color: var(--soft); } .counts dd { margin: 0; font-size: 1.4rem; font-variant-numeric: tabular-nums; }
.counts .failed dd { color: var(--bad); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; } thead th { color: var(--soft); font-weight: normal; }
progress { accent-color: var(--accent); width: 8rem; } .empty, footer { color: var(--soft); } footer { margin-top: 2rem; font-size: .85rem; }
`;
