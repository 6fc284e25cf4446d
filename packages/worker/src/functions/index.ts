export { FunctionLoader, type FunctionLoaderOptions, type LoadedFunction, loadFunction } from "./load-function.ts";
