// Where TensorFlow's own binding for Node is, before it is loaded.
import { findPackage, versionOf } from "./packages.ts";

export function nativeModule(gpu: boolean): { path: string; versions: Record<string, string> } | { why: string } {
  const name = gpu ? "@tensorflow/tfjs-node-gpu" : "@tensorflow/tfjs-node";
  const path = findPackage(name);
  if (path === null) return { why: `${name} is not installed: taskflock tensorflow install${gpu ? " --gpu" : ""}` };
  return { path, versions: { [name.slice("@tensorflow/".length)]: versionOf(path) } };
}
