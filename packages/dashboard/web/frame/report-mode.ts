/** Whether this is a report: a file that shows what was collected, and asks no server. */
export const isReport: boolean =
  typeof document !== "undefined" && document.documentElement.hasAttribute("data-report");
