// Who reads the page: what the server lets them do.

import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { api } from "./api.ts";

interface Session {
  /** "": the cluster's own token. */
  readonly user: string;
  readonly role: "admin" | "submitter" | "viewer" | "worker";
  /** By a cookie, which signing out takes away. */
  readonly signedIn: boolean;
}

const known = signal<Session | null>(null);

/** Whether actions are shown. The server judges again. */
export const mayAct: ReadonlySignal<boolean> = computed(() => known.value?.role === "admin");

/** Null until the server has said. */
export const session: ReadonlySignal<Session | null> = known;

/** Asked again until the server has said. */
export async function loadSession(): Promise<void> {
  if (known.peek() !== null) return;
  try {
    known.value = await api.get<Session>("me");
  } catch {
    // The feed says that the server does not answer; what nobody has allowed is not shown.
  }
}
