// For who watches a cluster without a page: the link, and what is made of its answers. Loads nothing of the server.

export { LimitWatch } from "./feed/limit/limit-watch.ts";
export { duration as sayDuration, rate as sayRate } from "./feed/limit/phrases.ts";
export { ALL_RUNS, progressOf, RunRates } from "./feed/rates.ts";
export { Observer } from "./observer.ts";
