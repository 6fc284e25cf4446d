export type { MetricsText, Scheduler } from "./context.ts";
export { type Dashboard, type DashboardOptions, type ServeOptions, startDashboard } from "./server.ts";
