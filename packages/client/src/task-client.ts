// A client inside of a task: the slot's own, which all its tasks share.

import type { Trust } from "@taskflock/protocol";
import { FlockError } from "@taskflock/protocol/words";
import { type Client, makeClient } from "./client.ts";
import { compileClientOptions } from "./client-options.ts";
import { loadSeldom, loadSession } from "./load-session.ts";
import type { Session } from "./session.ts";
import { taskHere } from "./task-here.ts";
import type { StallWatch } from "./task-stall.ts";

/** What a slot leaves (the worker's slot/connection.ts). */
interface ConnectionProvider {
  connection(): Promise<{ readonly address: string; readonly trust: Trust; readonly token: string }>;
  opened(id: number, secret: string): void;
}

interface SlotClient {
  readonly session: Session;
  readonly client: Client;
  readonly stalls: StallWatch;
}

/** All copies of the packages agree on it. */
const PROVIDER = Symbol.for("taskflock.taskConnection");
const shared: typeof globalThis & { [PROVIDER]?: ConnectionProvider } = globalThis;

let opening: Promise<SlotClient> | undefined;

/**
 * A client of the task's own scheduler, for code that runs as a task: locks, queues, variables, further tasks. All tasks of a slot
 * share it, and it is closed when the slot ends; a task need not close it. Locks and leases that a task acquires are released when
 * that task ends, however it ends; its waits for them end when it is cancelled.
 *
 * A task that waits for tasks keeps its slot meanwhile: see docs/coordination.md for how not to wait for ever.
 *
 * Rejects with FLOCK_NOT_IN_TASK outside of a task, and with what `Client.connect` rejects with.
 */
export async function taskClient(): Promise<Client> {
  const task = taskHere();
  const slot = shared[PROVIDER];
  if (task === undefined || slot === undefined) {
    const text = "taskClient() was called outside a task; call it from a function that was submitted, while it runs.";
    throw new FlockError("FLOCK_NOT_IN_TASK", `${text} Elsewhere, use Client.connect().`);
  }
  const before = opening;
  const known = await before?.catch(() => undefined);
  if (known === undefined || known.session.ended !== null) {
    if (opening === before) opening = open(slot, task.task.worker);
  }
  const { client, stalls } = await opening!;
  stalls.usedBy(task);
  return client;
}

async function open(slot: ConnectionProvider, worker: string): Promise<SlotClient> {
  const { address, trust, token } = await slot.connection();
  const options = compileClientOptions(address, { token, name: `task on ${worker}`.slice(0, 512) });
  const [{ Session }, { StallWatch }] = [await loadSession(), await loadSeldom()];
  const session = await Session.open({ ...options, trust });
  slot.opened(session.resume.id, session.resume.secret);
  return { session, client: makeClient(session, options.logs), stalls: new StallWatch(session) };
}
