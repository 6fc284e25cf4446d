import { type Signal, signal } from "@preact/signals";
import type { ReportData } from "../../server/report/report-data.ts";

/** What the file holds; null in the empty template. */
export const report: Signal<ReportData | null> = signal(null);
