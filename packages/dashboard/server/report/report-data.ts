// What a report holds: one message as a page gets it, and what people should know of the period.

import type { FeedMessage } from "@taskflock/protocol/words";

export interface ReportData {
  /** Of this format. */
  readonly version: 1;
  readonly title: string;
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  /** Such as "taskflock 0.1.0 at 127.0.0.1:8786". */
  readonly scheduler: string;
  /** Fresh, with everything of the period. */
  readonly message: FeedMessage;
  /** How long each sentence about what limits the cluster held, seconds, the longest first. */
  readonly limits: readonly { readonly text: string; readonly seconds: number }[];
  /** What is not in it, one sentence each; empty: it is whole. */
  readonly leftOut: readonly string[];
}
