export { FunctionLoader, loadFunction } from "./load-function.ts";
