// What trainings need of groups of tasks (docs/groups.md); the client's package has them.

/** A member's group. */
export interface MemberGroup {
  readonly rank: number;
  readonly size: number;
  allReduce(values: Float32Array, how?: "sum" | "mean"): Promise<Float32Array>;
  broadcast(bytes: Uint8Array | null, from?: number): Promise<Uint8Array>;
  send(rank: number, bytes: Uint8Array): Promise<void>;
  receive(rank: number): Promise<Uint8Array>;
}

/** Makes the task that calls it a member. */
export type JoinGroup = (options: {
  readonly name: string;
  readonly rank: number;
  readonly size: number;
  readonly epoch: number;
  readonly timeoutMs: number;
}) => Promise<MemberGroup & { close(): Promise<void> }>;
