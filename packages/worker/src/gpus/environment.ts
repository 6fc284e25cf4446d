// What the environment of a process says of GPUs: which of them CUDA shows it.

/** Names the devices that CUDA shows, in this order; unset: all of them. */
export const VISIBLE = "CUDA_VISIBLE_DEVICES";
/** No device has this number, and CUDA shows none from the first that is not there on. Empty would do too, but not on Windows. */
export const NO_DEVICE = "-1";

/** Just these devices, by numbers as `nvidia-smi` counts them or by their UUIDs; none: no device. TensorFlow takes memory as it needs it. */
export function pinnedTo(devices: readonly string[]): Readonly<Record<string, string>> {
  if (devices.length === 0) return { [VISIBLE]: NO_DEVICE };
  return { [VISIBLE]: devices.join(), CUDA_DEVICE_ORDER: "PCI_BUS_ID", TF_FORCE_GPU_ALLOW_GROWTH: "true" };
}

/** Threads share their process's environment, and what native code reads of it: what runs in them sees no device from now on. */
export function hideGpus(environment: NodeJS.ProcessEnv): void {
  environment[VISIBLE] = NO_DEVICE;
}
