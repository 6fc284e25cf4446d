export { prepareFunction } from "./prepare.ts";
