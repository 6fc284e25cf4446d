// What few programs ask for: loaded when the first of it is asked for (load-session.ts).

export { attach } from "./attached-run.ts";
export { hasWhat, rebalance, replicate, whoHas } from "./data-moves.ts";
export { getDataset, publish } from "./datasets.ts";
export { join } from "./groups/join.ts";
export { rerunHere } from "./rerun.ts";
export { restart, restartWorkers } from "./restart.ts";
export { runOnWorkers } from "./run-on-workers.ts";
export { StallWatch } from "./task-stall.ts";
export { versions } from "./versions.ts";
export { dump } from "./watch/dump.ts";
export { profile, startProfile } from "./watch/profile.ts";
export { reportWhile, writeReport } from "./watch/report.ts";
export { askStory, askWhy } from "./why.ts";
