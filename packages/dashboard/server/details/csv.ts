// Tables as CSV (RFC 4180) that no spreadsheet takes for more than data.

export type CsvCell = string | number | boolean | null;

/** With the heading first, lines ended by CR LF. Numbers are written exactly; null and what is not a number are empty. */
export function csvText(heading: readonly string[], rows: readonly (readonly CsvCell[])[]): string {
  return [heading, ...rows].map((row) => `${row.map(csvCell).join(",")}\r\n`).join("");
}

function csvCell(value: CsvCell): string {
  if (value === null) return "";
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
  if (typeof value === "boolean") return String(value);
  return quoted(harmless(value));
}

/** Spreadsheets run texts that begin so as formulas; the apostrophe in front makes them texts. */
function harmless(text: string): string {
  return /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text;
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
