// What moved from and to a worker.

import type { PageTransfers } from "@taskflock/protocol/words";
import { useAnswer } from "../../feed/use-answer.ts";
import { href } from "../../frame/routes.ts";
import { Empty, Section } from "../../ui/basics.tsx";
import { byteRate, bytes, number } from "../../ui/format.ts";
import { type Column, Table } from "../../ui/table.tsx";

type Pair = PageTransfers["pairs"][number];

const columns: readonly Column<Pair>[] = [
  { id: "from", title: "From", cell: ({ from }) => from },
  { id: "to", title: "To", cell: ({ to }) => to },
  { id: "bytes", title: "Moved", isNumeric: true, sort: (pair) => pair.bytes, cell: (pair) => bytes(pair.bytes) },
  { id: "count", title: "Fetches", isNumeric: true, sort: ({ count }) => count, cell: ({ count }) => number(count) },
  {
    id: "speed",
    title: "Speed",
    isNumeric: true,
    sort: (pair) => speedOf(pair),
    cell: (pair) => byteRate(speedOf(pair)),
  },
  { id: "failures", title: "Failed", isNumeric: true, cell: ({ failures }) => number(failures) },
];

function speedOf({ bytes: moved, us }: Pair): number | null {
  return us > 0 ? moved / (us / 1e6) : null;
}

export function WorkerTransfers({ name }: { readonly name: string }) {
  const { value } = useAnswer<PageTransfers>("transfers", 5000);
  const pairs = value?.pairs.filter(({ from, to }) => from === name || to === name) ?? [];
  return (
    <Section title="Transfers" tools={<a href={href("transfers")}>all transfers</a>}>
      <Table
        label="What moved from and to it"
        columns={columns}
        rows={pairs}
        rowKey={({ from, to }) => `${from} ${to}`}
        initialOrder={{ column: "bytes", descending: true }}
        empty={<Empty>Nothing has moved from or to it.</Empty>}
      />
    </Section>
  );
}
