export { type AssetFolder, newAssetFolder, removeAssetFolder, useAssetFolder } from "./assets.ts";
export {
  type Callable,
  type ClosureFactory,
  FunctionLoader,
  loadFunction,
} from "./load-function.ts";
export { thrownLine } from "./source-lines.ts";
