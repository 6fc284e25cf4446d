// Whether this is the live page, or a report: a file that shows what was collected, and asks no server.

import type { ReportData } from "../../server/report/report-data.ts";

/** As much of a document as is looked at; unit tests have none. */
interface Document {
  readonly documentElement: { hasAttribute(name: string): boolean };
  getElementById(id: string): { readonly textContent: string | null } | null;
}
const { document: shown } = globalThis as { readonly document?: Document };

export const isReport: boolean = shown?.documentElement.hasAttribute("data-report") === true;

/** What the report holds; null on the live page, and in the empty template. */
export const report: ReportData | null = isReport ? held() : null;

function held(): ReportData | null {
  const text = shown?.getElementById("report")?.textContent ?? "";
  return text.startsWith("{") ? (JSON.parse(text) as ReportData) : null;
}
