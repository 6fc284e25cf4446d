export * from "./estimator.ts";
export * from "./executor.ts";
export * from "./labels.ts";
export { type Digits, loadDigits } from "./load-digits.ts";
export * from "./matrix.ts";
export { type SvcModel, type SvcParams, svc } from "./svm/svc.ts";
