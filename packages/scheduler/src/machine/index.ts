export { SchedulerMachine } from "./machine.ts";
export * from "./port.ts";
export { isObservation } from "./sessions.ts";
