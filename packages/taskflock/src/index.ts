// The public surface. Everything a user needs comes from here.

export * from "@taskflock/client";
export {
  Adaptive,
  type AdaptiveEvent,
  type AdaptOptions,
  type LocalClusterOptions,
  RunningAdaptive,
  type SlurmClusterOptions,
  type SlurmEvent,
  type SshClusterOptions,
  type Supplier,
} from "@taskflock/cluster";
export * from "@taskflock/ml";
export { type ErrorCode, FlockError, isFlockError, registerClass } from "@taskflock/protocol/code";
export type { LoadTensorsOptions, TensorBackend, TensorChoice, TensorFlow, Tensors } from "@taskflock/tensors";
export { type TaskContext, taskContext } from "@taskflock/worker/task-context";
export { type AwsAttachOptions, AwsCluster, type AwsClusterOptions, type AwsProfile } from "./aws-cluster.ts";
export { loadTensors } from "./load-tensors.ts";
export { LocalCluster } from "./local-cluster.ts";
export { SlurmCluster } from "./slurm-cluster.ts";
export { SshCluster } from "./ssh-cluster.ts";
export { version } from "./version.ts";
