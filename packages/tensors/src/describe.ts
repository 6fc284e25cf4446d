// The choice in words, for people.
import type { TensorBackend, TensorChoice } from "./types.ts";

const names: Readonly<Record<TensorBackend, string>> = {
  "node-gpu": "TensorFlow on the GPU",
  node: "TensorFlow on the CPU",
  webgpu: "WebGPU",
  wasm: "WebAssembly on one core",
  cpu: "plain JavaScript",
};

/** One line: what computes, and why nothing better does. A worker prints it once. */
export function describeChoice(choice: TensorChoice): string {
  const { backend, device, passedOver } = choice;
  const versions = Object.entries(choice.versions).map(([name, version]) => `${name} ${version}`);
  const what = `tensors: ${backend}, ${names[backend]}${device === null ? "" : ` (${device})`}; ${versions.join(", ")}`;
  if (passedOver.length === 0) return what;
  return `${what}; passed over: ${passedOver.map(({ backend: other, why }) => `${other} (${why})`).join(", ")}`;
}
