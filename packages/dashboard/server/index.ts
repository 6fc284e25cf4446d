export type { StatusSource } from "./app.ts";
export { type Dashboard, type DashboardOptions, startDashboard } from "./server.ts";
