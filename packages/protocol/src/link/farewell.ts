// Ends the session of a client that cannot do so itself any more, because the thread or process that it lived in was ended.

import { encodeFrame } from "../frames/frames.ts";
import { PayloadStore } from "../payload-store.ts";
import type { SchedulerPlace } from "../tls/trust.ts";
import { PROTOCOL_VERSION, type Resume } from "../words/index.ts";
import { openSocket } from "./open-socket.ts";
import { DEFAULT_MAX_FRAME_BYTES } from "./scheduler-link.ts";

const ANSWER_MS = 2_000;
const hello = { t: "hello", role: "client", name: "goodbye", observer: false } as const;

/** Goes on with the session, and says goodbye. Rejects as `SchedulerLink.open` does; then the session ends after its grace. */
export async function endSession({ address, trust }: SchedulerPlace, token: string, session: Resume): Promise<void> {
  const { socket, welcome } = await openSocket({
    address,
    trust,
    hello: { ...hello, protocol: PROTOCOL_VERSION, token, resume: session },
    timeoutMs: ANSWER_MS,
    maxFrameBytes: DEFAULT_MAX_FRAME_BYTES,
  });
  await new Promise<void>((resolve) => {
    const over = (): void => {
      clearTimeout(timer);
      socket.terminate();
      resolve();
    };
    const timer = setTimeout(over, ANSWER_MS);
    socket.once("close", over);
    const header = { seq: welcome.received + 1, ack: 0 };
    socket.send(encodeFrame("client", header, [{ t: "goodbye" }], new PayloadStore()));
    socket.close(1000);
  });
}
