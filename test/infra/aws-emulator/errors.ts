// An answer that says no, with the code that clients tell apart.

export class AwsError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.name = "AwsError";
    this.code = code;
    this.status = status;
  }
}

/** The thing, or the error that AWS has for its absence. */
export function found<T>(thing: T | undefined, code: string, message: string, status?: number): T {
  if (thing === undefined) throw new AwsError(code, message, status);
  return thing;
}
