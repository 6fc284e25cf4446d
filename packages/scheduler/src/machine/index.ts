export { SchedulerMachine } from "./machine.ts";
export * from "./port.ts";
