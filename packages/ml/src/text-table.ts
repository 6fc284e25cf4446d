// Tables of texts for people to read in a terminal.

export type Row = readonly string[];

/** Columns two spaces apart under a rule; the first `numeric` ones are aligned to the right. */
export function layOut(rows: readonly Row[], numeric: number): string {
  const heading = rows[0] as Row;
  const widths = heading.map((_, at) => Math.max(...rows.map((row) => (row[at] as string).length)));
  const line = (row: Row): string =>
    row
      .map((cell, at) => (at < numeric ? cell.padStart(widths[at] as number) : cell.padEnd(widths[at] as number)))
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "─".repeat(width)).join("  ");
  return [line(heading), rule, ...rows.slice(1).map(line)].join("\n");
}
