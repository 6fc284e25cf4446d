export { type Dashboard, type DashboardOptions, type StatusSource, startDashboard } from "./server.ts";
