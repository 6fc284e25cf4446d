// Functions by the time spent in themselves, with the line of their code that took the most.

import { useMemo } from "preact/hooks";
import { percent, seconds } from "../../ui/format.ts";
import { type Column, Table } from "../../ui/table.tsx";
import { type Frame, placeOf, type SelfRow, selfTable } from "./flame-model.ts";

const SHOWN = 100;

export function SelfTable({
  frames,
  onShow,
}: {
  readonly frames: readonly Frame[];
  readonly onShow: (index: number) => void;
}) {
  const rows = useMemo(() => selfTable(frames).slice(0, SHOWN), [frames]);
  const columns: readonly Column<SelfRow>[] = [
    {
      id: "name",
      title: "Function",
      isName: true,
      sort: ({ name }) => name,
      cell: ({ name, frame }) => (
        <button type="button" class="link" onClick={() => onShow(frame)}>
          {name}
        </button>
      ),
    },
    {
      id: "place",
      title: "Most of it in",
      isWide: true,
      cell: (row) => (
        <span title={row.text}>
          <code>{placeOf(row)}</code> {row.text !== "" && <code class="soft">{row.text}</code>}
        </span>
      ),
    },
    { id: "share", title: "Itself", isNumeric: true, sort: (row) => row.selfMs, cell: (row) => percent(row.selfShare) },
    {
      id: "self",
      title: "Time",
      isNumeric: true,
      sort: (row) => row.selfMs,
      cell: (row) => seconds(row.selfMs / 1000),
    },
    {
      id: "all",
      title: "With what it called",
      isNumeric: true,
      sort: (row) => row.totalMs,
      cell: (row) => `${percent(row.totalShare)}, ${seconds(row.totalMs / 1000)}`,
    },
  ];
  return (
    <Table
      label="Functions by their own time"
      columns={columns}
      rows={rows}
      rowKey={({ name, file, frame }) => `${name} ${file} ${frame}`}
    />
  );
}
