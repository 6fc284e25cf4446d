// A table that fits a width: columns that have no room are left out, the least important first.

import { clip, type Line, type Look, tame, widthOf } from "./styled.ts";

export interface Column<T> {
  readonly title: string;
  /** Lower stays longer; columns are shown in their own order. */
  readonly rank: number;
  readonly align?: "right";
  /** The first column shrinks to this before others are left out. */
  readonly least?: number;
  cell(row: T): string;
  look?(row: T): Look;
}

const GAP = 2;

/** The head, and the rows. */
export function table<T>(columns: readonly Column<T>[], rows: readonly T[], width: number): readonly Line[] {
  const cells = new Map(columns.map((column) => [column, rows.map((row) => tame(column.cell(row)))]));
  const widths = new Map(
    columns.map((column) => [column, Math.max(widthOf(column.title), ...cells.get(column)!.map(widthOf))]),
  );
  const shown = fitting(columns, widths, width);
  const head: Line = shown.map((column, index) => [padded(column.title, column, widths, index, shown), "dim"]);
  const body = rows.map((row, at): Line => {
    return shown.map((column, index) => {
      return [padded(cells.get(column)![at]!, column, widths, index, shown), column.look?.(row) ?? "plain"];
    });
  });
  return [head, ...body];
}

/** Makes the first column narrower where that is enough. */
function fitting<T>(
  columns: readonly Column<T>[],
  widths: Map<Column<T>, number>,
  width: number,
): readonly Column<T>[] {
  const shown = [...columns];
  const total = (): number => shown.reduce((sum, column) => sum + widths.get(column)! + GAP, -GAP);
  const first = columns[0];
  for (;;) {
    const over = total() - width;
    if (over <= 0 || first === undefined) return shown;
    const own = widths.get(first)!;
    const least = Math.min(own, first.least ?? own);
    if (own - over >= least || shown.length === 1) {
      widths.set(first, Math.max(1, own - over));
      return shown;
    }
    const last = shown.slice(1).reduce((worst, column) => (column.rank > worst.rank ? column : worst));
    shown.splice(shown.indexOf(last), 1);
  }
}

function padded<T>(
  text: string,
  column: Column<T>,
  widths: ReadonlyMap<Column<T>, number>,
  index: number,
  shown: readonly Column<T>[],
): string {
  const width = widths.get(column)!;
  const cut = clip(text, width);
  const space = " ".repeat(width - widthOf(cut));
  const cell = column.align === "right" ? space + cut : cut + space;
  return index < shown.length - 1 ? cell + " ".repeat(GAP) : cell;
}
