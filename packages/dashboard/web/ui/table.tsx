// Tables: sortable by click and keyboard, with a head that stays, and drawn in part where they are long.

import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { nextOrder, type Order, type SortValue, sorted, type Window, windowOf } from "./table-model.ts";

export interface Column<T> {
  readonly id: string;
  readonly title: string;
  readonly cell: (row: T) => ComponentChildren;
  /** Makes the column sortable. */
  readonly sort?: (row: T) => SortValue;
  /** Figures stand at the right, and sort the largest first. */
  readonly isNumeric?: boolean;
  /** Takes what room is left, and is cut off where there is none. */
  readonly isWide?: boolean;
  /** The cell names the row, for screen readers. */
  readonly isName?: boolean;
}

export interface TableProps<T> {
  /** For screen readers. */
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly rowKey: (row: T) => string | number;
  readonly initialOrder?: Order;
  /** What stands there when there are no rows. */
  readonly empty?: ComponentChildren;
  readonly isMarked?: (row: T) => boolean;
}

/** Above this many rows only those in sight are drawn. */
const WHOLE = 200;
/** As in the styles: rows of long tables have one height. */
const ROW_HEIGHT = 30;

export function Table<T>(props: TableProps<T>) {
  const { columns, rows } = props;
  const [order, setOrder] = useState<Order | null>(props.initialOrder ?? null);
  const ordered = useMemo(() => {
    const by = columns.find(({ id }) => id === order?.column)?.sort;
    return by === undefined || order === null ? rows : sorted(rows, by, order.descending);
  }, [rows, columns, order]);
  const isLong = rows.length > WHOLE;
  const { ref, part } = useWindow(ordered.length, isLong);
  if (rows.length === 0 && props.empty !== undefined) return <>{props.empty}</>;
  const below = isLong ? ordered.length - part.to : 0;
  return (
    <section
      class={isLong ? "table-box long" : "table-box"}
      ref={ref}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
      aria-label={`${props.label}: table`}
    >
      <table aria-label={props.label} aria-rowcount={ordered.length + 1}>
        <thead>
          <tr>
            {columns.map((column) => (
              <Head key={column.id} column={column} order={order} onOrder={setOrder} />
            ))}
          </tr>
        </thead>
        <tbody>
          {isLong && part.from > 0 && <Space rows={part.from} columns={columns.length} />}
          {ordered.slice(part.from, isLong ? part.to : undefined).map((row, index) => (
            <Row key={props.rowKey(row)} row={row} index={part.from + index + 2} table={props} />
          ))}
          {below > 0 && <Space rows={below} columns={columns.length} />}
        </tbody>
      </table>
    </section>
  );
}

/** The rows in sight of a box that scrolls. */
function useWindow(total: number, isLong: boolean): { ref: { current: HTMLDivElement | null }; part: Window } {
  const ref = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ scrolled: 0, height: 800 });
  useEffect(() => {
    const box = ref.current;
    if (!isLong || box === null) return;
    let frame = 0;
    const look = (): void => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        // In whole steps, so that few of the scroll events draw anything.
        const scrolled = Math.floor(box.scrollTop / (ROW_HEIGHT * 5)) * ROW_HEIGHT * 5;
        const height = box.clientHeight;
        setView((old) => (old.scrolled === scrolled && old.height === height ? old : { scrolled, height }));
      });
    };
    look();
    const observer = new ResizeObserver(look);
    observer.observe(box);
    box.addEventListener("scroll", look, { passive: true });
    return () => {
      cancelAnimationFrame(frame);
      observer.disconnect();
      box.removeEventListener("scroll", look);
    };
  }, [isLong]);
  return { ref, part: isLong ? windowOf(total, ROW_HEIGHT, view.scrolled, view.height) : { from: 0, to: total } };
}

function Head<T>(props: {
  readonly column: Column<T>;
  readonly order: Order | null;
  readonly onOrder: (order: Order) => void;
}) {
  const { column, order, onOrder } = props;
  const kind = classOf(column);
  if (column.sort === undefined) {
    return (
      <th scope="col" class={kind}>
        {column.title}
      </th>
    );
  }
  const isOrdered = order?.column === column.id;
  const direction = order?.descending === true ? "descending" : "ascending";
  return (
    <th scope="col" class={kind} aria-sort={isOrdered ? direction : "none"}>
      <button
        type="button"
        class="sort"
        onClick={() => onOrder(nextOrder(order, column.id, column.isNumeric === true))}
      >
        {column.title}
        <span class="sort-mark" aria-hidden="true">
          {isOrdered ? (direction === "descending" ? "▼" : "▲") : ""}
        </span>
      </button>
    </th>
  );
}

function Row<T>({ row, index, table }: { readonly row: T; readonly index: number; readonly table: TableProps<T> }) {
  return (
    <tr aria-rowindex={index} class={table.isMarked?.(row) === true ? "marked" : undefined}>
      {table.columns.map((column) =>
        column.isName === true ? (
          <th key={column.id} scope="row" class={classOf(column)}>
            {column.cell(row)}
          </th>
        ) : (
          <td key={column.id} class={classOf(column)}>
            {column.cell(row)}
          </td>
        ),
      )}
    </tr>
  );
}

/** As high as rows that are not drawn. */
function Space({ rows, columns }: { readonly rows: number; readonly columns: number }) {
  return (
    <tr class="space">
      <td colSpan={columns} style={{ height: `${rows * ROW_HEIGHT}px` }} />
    </tr>
  );
}

function classOf<T>({ isNumeric, isWide, isName }: Column<T>): string | undefined {
  const names = [isNumeric === true && "numeric", isWide === true && "wide", isName === true && "name"];
  return names.filter((name) => name !== false).join(" ") || undefined;
}
