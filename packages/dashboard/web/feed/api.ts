// Questions over REST: what is too much, or too seldom wanted, for the feed.

import { isReport } from "../frame/report-mode.ts";
import { ApiError, errorOf } from "./api-error.ts";

type Values = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** `path` under /api/v1 with those of `values` that say something: `query("tasks", { text: "a b" })` → "tasks?text=a+b". */
export function query(path: string, values: Values): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined && value !== "") search.set(name, String(value));
  }
  return search.size === 0 ? path : `${path}?${search}`;
}

export const api = {
  /** GET /api/v1/`path`. Rejects with an `ApiError`. */
  get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return ask<T>(path, signal === undefined ? {} : { signal });
  },
  /** POST /api/v1/`path` with JSON. Rejects with an `ApiError`. */
  post<T>(path: string, body: unknown): Promise<T> {
    return ask<T>(path, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "Content-Type": "application/json" },
    });
  },
};

async function ask<T>(path: string, init: RequestInit): Promise<T> {
  if (isReport) throw new ApiError(0, "A report holds what was collected; only the live page can ask for more.");
  let response: Response;
  try {
    response = await fetch(`/api/v1/${path}`, init);
  } catch (error) {
    if (init.signal?.aborted === true) throw error;
    throw new ApiError(0, "The server does not answer. It may have ended, or the network is down.");
  }
  if (response.ok) return (await response.json()) as T;
  if (response.status === 401) signIn();
  throw await errorOf(response);
}

/** To the sign-in page, and from there back to where the reader is. */
export function signIn(): void {
  location.assign(query("/sign-in", { why: "over", to: location.pathname + location.search }));
}

/** What people are told of anything that went wrong. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
