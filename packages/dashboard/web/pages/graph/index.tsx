// The dependencies of a run's tasks in layers, or what is around one task.

import type { PageGraph } from "@taskflock/protocol/words";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { query } from "../../feed/api.ts";
import { overview } from "../../feed/store.ts";
import { useAnswer } from "../../feed/use-answer.ts";
import { go, queryValue, setQuery } from "../../frame/router.ts";
import { href } from "../../frame/routes.ts";
import { Badge, Empty, ErrorNote, Loading, Section } from "../../ui/basics.tsx";
import { number } from "../../ui/format.ts";
import { type Column, Table } from "../../ui/table.tsx";
import { nameOf } from "../runs/runs-model.ts";
import { FunctionName } from "../tasks/rows.tsx";
import { GraphCanvas } from "./canvas.tsx";
import "./graph.css";
import {
  againMs,
  drawGraph,
  type GraphDrawing,
  type GraphNode,
  graphSentence,
  type LayerRow,
  layerTable,
} from "./graph-model.ts";
import { GroupPanel } from "./group-panel.tsx";

const NODES = 5000;

export function GraphPage() {
  const task = wholeNumber(queryValue("task"));
  const run = task > 0 ? 0 : wholeNumber(queryValue("run"));
  const path = query("graph", task > 0 ? { task, limit: NODES } : { run, limit: NODES });
  const { value, error, reload } = useAnswer<PageGraph>(path);
  useReload(reload, againMs(value?.total ?? 0));
  const drawing = useDrawing(value, path);
  return (
    <>
      <Choice run={run} task={task} />
      {error !== null && <ErrorNote error={error} onRetry={reload} />}
      {drawing === null && error === null && <Loading what="the graph" />}
      {drawing !== null && <Drawing key={path} drawing={drawing} run={run} />}
    </>
  );
}

function wholeNumber(text: string): number {
  const value = Number(text);
  return Number.isSafeInteger(value) && value > 0 ? value : 0;
}

/** Asks anew when something has changed. */
function useReload(reload: () => void, everyMs: number): void {
  const last = useRef(reload);
  last.current = reload;
  useEffect(() => {
    let seen = overview.peek()?.transitions;
    const timer = setInterval(() => {
      const now = overview.peek()?.transitions;
      if (now === seen || document.hidden) return;
      seen = now;
      last.current();
    }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
}

/** What stays in the next answer stays where it is. */
function useDrawing(value: PageGraph | null, path: string): GraphDrawing | null {
  const before = useRef<{ readonly path: string; readonly drawing: GraphDrawing } | null>(null);
  const drawing = useMemo(() => {
    if (value === null) return null;
    return drawGraph(value, before.current?.path === path ? before.current.drawing : null);
  }, [value]);
  useEffect(() => {
    if (drawing !== null) before.current = { path, drawing };
  }, [drawing]);
  return drawing;
}

function Choice({ run, task }: { readonly run: number; readonly task: number }) {
  const runs = overview.value?.runs ?? [];
  const isKnown = run === 0 || runs.some((one) => one.run === run);
  return (
    <div class="tools">
      <label>
        Run
        <select
          value={String(run)}
          onChange={({ currentTarget }) =>
            setQuery({ task: "", run: currentTarget.value === "0" ? "" : currentTarget.value })
          }
        >
          <option value="0">all tasks</option>
          {!isKnown && <option value={run}>run {run}</option>}
          {runs.map((one) => (
            <option key={one.run} value={one.run}>
              {nameOf(one)}
            </option>
          ))}
        </select>
      </label>
      {task > 0 && (
        <span>
          Around <a href={href("tasks", task)}>task {task}</a>
        </span>
      )}
    </div>
  );
}

function Drawing({ drawing, run }: { readonly drawing: GraphDrawing; readonly run: number }) {
  const [opened, setOpened] = useState("");
  const group = drawing.nodes.find(({ id }) => id === opened);
  const open = (node: GraphNode): void => {
    if (node.task > 0) go(href("tasks", node.task));
    else setOpened(node.id);
  };
  if (drawing.nodes.length === 0) {
    return (
      <Empty>There are no tasks here. What a client submits appears, with what needs what, from top to bottom.</Empty>
    );
  }
  return (
    <>
      <p class="tools">{graphSentence(drawing)}</p>
      <GraphCanvas drawing={drawing} onOpen={open} />
      <Legend drawing={drawing} />
      {group !== undefined && <GroupPanel node={group} run={run} onClose={() => setOpened("")} />}
      <Section title="Layers">
        <Table
          label="Tasks by layer and function"
          columns={columns}
          rows={layerTable(drawing)}
          rowKey={({ layer, fn }) => `${layer} ${fn}`}
        />
      </Section>
    </>
  );
}

const LEGEND_FUNCTIONS = 12;

function Legend({ drawing }: { readonly drawing: GraphDrawing }) {
  const names = useMemo(() => [...new Set(drawing.nodes.map(({ fn }) => fn))], [drawing.layout]);
  return (
    <p class="graph-legend">
      {names.slice(0, LEGEND_FUNCTIONS).map((name) => (
        <FunctionName key={name} name={name === "data" ? "" : name} />
      ))}
      {names.length > LEGEND_FUNCTIONS && <span class="soft">and {names.length - LEGEND_FUNCTIONS} more</span>}
      <span class="soft">
        full: done · thick ring: runs · thin ring: waits · broken ring: assigned or cancelled · red ring: failed
      </span>
    </p>
  );
}

const columns: readonly Column<LayerRow>[] = [
  { id: "layer", title: "Layer", isNumeric: true, cell: ({ layer }) => layer + 1, sort: ({ layer }) => layer },
  {
    id: "fn",
    title: "Function",
    isName: true,
    cell: ({ fn }) => <FunctionName name={fn === "data" ? "" : fn} />,
    sort: ({ fn }) => fn,
  },
  { id: "count", title: "Tasks", isNumeric: true, cell: ({ count }) => number(count), sort: ({ count }) => count },
  {
    id: "counts",
    title: "Status",
    isWide: true,
    cell: ({ counts }) => (
      <span class="section-tools">
        {counts.map(([status, of]) => (
          <span key={status}>
            <Badge status={status} /> {number(of)}
          </span>
        ))}
      </span>
    ),
  },
];
