// What becomes of messages that waited until the scheduler takes more.

import { setTimeout as sleep } from "node:timers/promises";
import { Allowance, type ClientToScheduler, type FlockError, NO_PAYLOAD, type PayloadRef } from "@taskflock/protocol";
import type { Session } from "./session.ts";

const CODE = "FLOCK_SUBMISSIONS_WAIT";
const MIB = 1024 * 1024;
/**
 * How long a client that leaves something behind waits for a scheduler that takes its tasks, and then for a worker that takes the data
 * it has put on the cluster.
 */
const PATIENCE_MS = 10_000;

export function allowanceOf(session: Session): Allowance {
  return new Allowance({
    get admissionBytes() {
      return session.admissionBytes;
    },
    sendHeld: (message, payload) => sendHeld(session, message, payload),
    freePayload: (payload) => {
      if (payload !== NO_PAYLOAD) session.payloads.free(payload);
    },
    crowded: warn,
  });
}

/** Before a client leaves: what outlives it has to reach the cluster. */
export async function sendWhatStays({ allowance, runs, uploads }: Session): Promise<void> {
  allowance.keepOnly((run) => runs.isDetached(run));
  const sent = allowance.drained().catch(() => {}); // the session has ended: nothing is left to wait for
  await Promise.race([sent, sleep(PATIENCE_MS, undefined, { ref: false })]);
  if (runs.hasDetached) await uploads.idle(PATIENCE_MS);
}

function sendHeld(session: Session, message: ClientToScheduler, payload: PayloadRef): void {
  if (message.t === "submit") {
    session.submission.sendHeld(message, payload);
    return;
  }
  try {
    session.sendNow(message, payload);
  } catch (error) {
    if (message.t === "ask") session.questions.refused(message.id, error as FlockError);
  }
}

function warn(waitingBytes: number): void {
  const text = `Tasks of ${Math.round(waitingBytes / MIB)} MiB wait in this process, because the scheduler has as many unfinished ones of this client as it takes. Write \`await client.drained()\` in the loop that submits them, every thousand tasks or so, and the memory that they take stays bounded.`;
  process.emitWarning(text, { type: "SubmissionWarning", code: CODE });
}
