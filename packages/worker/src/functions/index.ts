export { shareAssetFolder } from "./assets.ts";
export {
  type Callable,
  type ClosureFactory,
  FunctionLoader,
  type LoadedFunction,
  loadFunction,
} from "./load-function.ts";
