// The order of a table's rows, and which of them are drawn. No DOM.

export type SortValue = string | number | null;

export interface Order {
  readonly column: string;
  readonly descending: boolean;
}

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** Numbers by size, text as people sort it ("worker-2" before "worker-10"), what is not known always last. Stable. */
export function sorted<T>(rows: readonly T[], sortValue: (row: T) => SortValue, descending: boolean): readonly T[] {
  const turn = descending ? -1 : 1;
  const keyed = rows.map((row) => ({ row, value: sortValue(row) }));
  keyed.sort((a, b) => {
    if (a.value === null || b.value === null) return Number(a.value === null) - Number(b.value === null);
    const isNumber = typeof a.value === "number" && typeof b.value === "number";
    return turn * (isNumber ? (a.value as number) - (b.value as number) : collator.compare(`${a.value}`, `${b.value}`));
  });
  return keyed.map(({ row }) => row);
}

/** What a click on a column's head asks for: figures begin with the largest. */
export function nextOrder(order: Order | null, column: string, isNumeric: boolean): Order {
  if (order?.column === column) return { column, descending: !order.descending };
  return { column, descending: isNumeric };
}

export interface Window {
  readonly from: number;
  readonly to: number;
}

/** Rows that must be drawn, with some more above and below, so that scrolling shows no gaps. */
export function windowOf(total: number, rowHeight: number, scrolled: number, height: number): Window {
  const spare = 20;
  const first = Math.floor(Math.max(0, scrolled) / rowHeight);
  const from = Math.max(0, Math.min(first - spare, total));
  return { from, to: Math.min(total, first + Math.ceil(height / rowHeight) + spare) };
}
