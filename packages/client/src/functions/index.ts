export { classOf, instanceProblem } from "./instances.ts";
export { instanceLeaf, noteCopy } from "./made-fields.ts";
export { type FunctionCode, forgetFunction, type PackageMode, type Prepared, prepareFunction } from "./prepare.ts";
export { meet } from "./shares.ts";
