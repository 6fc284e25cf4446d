// What the server refuses, as people are told it.

/** What the server answered instead, as people are told it. */
export class ApiError extends Error {
  /** An error code of the registry, or "" when there is none. */
  readonly code: string;
  /** What to do about it, or "". */
  readonly advice: string;
  /** The HTTP status; 0 when the server could not be reached. */
  readonly status: number;

  constructor(status: number, message: string, code: string = "", advice: string = "") {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.advice = advice;
  }
}

/** What the server said: `{ code, message, advice }`; a proxy before it may say anything. */
export async function errorOf(response: Response): Promise<ApiError> {
  const said = (await response.json().catch(() => null)) as Readonly<Partial<Record<string, string>>> | null;
  const { message, code, advice } = said ?? {};
  return new ApiError(response.status, message ?? `The server answered ${response.status}.`, code, advice);
}
