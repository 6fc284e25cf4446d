// A session at its beginning.

import type { SessionId } from "@taskflock/protocol/words";
import { noCredit } from "./admission.ts";
import { NumberedTasks } from "./numbered-tasks.ts";
import type { Session } from "./records.ts";

export function newSession(id: SessionId, name: string, link: Session["link"], isObserver = false): Session {
  return {
    id,
    name,
    link,
    isOrphan: false,
    isObserver,
    functions: new Map(),
    options: new Map(),
    runs: new Map(),
    tasks: new NumberedTasks(),
    due: new Set(),
    unreached: null,
    locates: new Set(),
    uploads: new Set(),
    hears: new Set(),
    told: new Map(),
    ...noCredit,
    asks: [],
  };
}
