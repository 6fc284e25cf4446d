export { classOf, instanceProblem } from "./instances.ts";
export { type FunctionCode, forgetFunction, type PackageMode, type Prepared, prepareFunction } from "./prepare.ts";
