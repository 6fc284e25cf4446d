export { SchedulerMachine } from "./machine.ts";
export * from "./port.ts";
export { freeClientMessage, isObservation } from "./sessions.ts";
