// Who reads the page: what the server lets them do.

import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { api } from "./api.ts";

export interface Session {
  readonly role: "admin" | "viewer";
}

const known = signal<Session | null>(null);

/** Null until the server has said. */
export const session: ReadonlySignal<Session | null> = known;
/** Whether actions are shown. The server judges again. */
export const mayAct: ReadonlySignal<boolean> = computed(() => known.value?.role === "admin");

export async function loadSession(): Promise<void> {
  try {
    known.value = await api.get<Session>("session");
  } catch {
    // The feed says that the server does not answer; what nobody has allowed is not shown.
  }
}
