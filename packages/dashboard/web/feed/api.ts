// Questions over REST: what is too much, or too seldom wanted, for the feed.

/** What the server answered instead, as people are told it. */
export class ApiError extends Error {
  /** An error code of the registry, or "" when there is none. */
  readonly code: string;
  /** The HTTP status; 0 when the server could not be reached. */
  readonly status: number;

  constructor(message: string, code: string, status: number) {
    super(message);
    this.name = "ApiError";
    this.code = code;
    this.status = status;
  }
}

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
  let response: Response;
  try {
    response = await fetch(`/api/v1/${path}`, init);
  } catch (error) {
    if (init.signal?.aborted === true) throw error;
    throw new ApiError("The server does not answer. It may have ended, or the network is down.", "", 0);
  }
  if (response.ok) return (await response.json()) as T;
  const error = await errorOf(response);
  if (response.status === 401) location.assign("/sign-in");
  throw error;
}

async function errorOf(response: Response): Promise<ApiError> {
  const said: unknown = await response.json().catch(() => null);
  const { code, message, error } = (said ?? {}) as Record<string, unknown>;
  const text = [message, error].find((part) => typeof part === "string" && part !== "");
  const fallback = `The server answered ${response.status} ${response.statusText}`.trim();
  return new ApiError(String(text ?? fallback), typeof code === "string" ? code : "", response.status);
}

/** What people are told of anything that went wrong. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
