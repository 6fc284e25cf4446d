// What a group stands for: how its tasks are, and the newest of them.

import type { PageTasks } from "@taskflock/protocol/words";
import { query } from "../../feed/api.ts";
import { useAnswer } from "../../feed/use-answer.ts";
import { href } from "../../frame/routes.ts";
import { Badge, Empty, ErrorNote, Loading, Section } from "../../ui/basics.tsx";
import { number } from "../../ui/format.ts";
import { TaskTable } from "../tasks/rows.tsx";
import type { GraphNode } from "./graph-model.ts";

const SHOWN = 20;

export function GroupPanel(props: { readonly node: GraphNode; readonly run: number; readonly onClose: () => void }) {
  const { node, run, onClose } = props;
  const values = { function: node.fn, run: run || null };
  const { value, error, reload } = useAnswer<PageTasks>(query("tasks", { ...values, limit: SHOWN }), 3000);
  const all = `${href("tasks")}?${new URLSearchParams({ function: node.fn, ...(run > 0 && { run: `${run}` }) })}`;
  return (
    <Section
      title={`${node.fn}: ${number(node.count)} tasks in layer ${node.layer + 1}`}
      tools={
        <button type="button" onClick={onClose}>
          Close
        </button>
      }
    >
      <p class="tools">
        {node.counts.map(([status, of]) => (
          <span key={status}>
            <Badge status={status} /> {number(of)}
          </span>
        ))}
        <a href={all}>All tasks of this function</a>
      </p>
      {value === null && error === null && <Loading what="its tasks" />}
      {error !== null && <ErrorNote error={error} onRetry={reload} />}
      {value !== null && (
        <TaskTable
          label={`The newest tasks of ${node.fn}`}
          rows={value.items}
          now={value.now}
          empty={<Empty>None of them is known any more.</Empty>}
        />
      )}
    </Section>
  );
}
