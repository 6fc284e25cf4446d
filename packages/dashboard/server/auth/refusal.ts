// Why a request is not answered as it wished, as it is told.

import { type ErrorCode, errorRegistry, FlockError } from "@taskflock/protocol/links";

export interface Refusal {
  readonly status: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Body of every answer that is no success. */
export interface ErrorBody {
  /** Of the error registry. */
  readonly code: string;
  readonly message: string;
  readonly advice: string;
}

export function errorBody({ code, message }: { readonly code: ErrorCode; readonly message: string }): ErrorBody {
  return { code, message, advice: errorRegistry[code].advice };
}

const statuses: Readonly<Partial<Record<ErrorCode, number>>> = {
  FLOCK_OPTION_INVALID: 400,
  FLOCK_ARGUMENT_INVALID: 400,
  FLOCK_FORBIDDEN: 403,
  FLOCK_TASK_UNKNOWN: 404,
  FLOCK_WORKER_UNKNOWN: 404,
  FLOCK_RUN_UNKNOWN: 404,
  FLOCK_PATH_UNKNOWN: 404,
  FLOCK_REPORT_UNKNOWN: 404,
  FLOCK_REPORTS_FULL: 429,
  FLOCK_NO_NANNY: 409,
  FLOCK_PROFILE: 409,
  FLOCK_TRY_LATER: 429,
  FLOCK_CONNECTION_LOST: 503,
  FLOCK_CONNECTION_REFUSED: 503,
  FLOCK_CLOSED: 503,
  FLOCK_WAIT_TIMEOUT: 504,
};

/** Of what a handler threw. Of a defect, only that it is one. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof FlockError) {
    return { status: statuses[error.code] ?? 500, code: error.code, message: error.message };
  }
  const { statusCode, message } = error as { statusCode?: unknown; message?: unknown };
  if (typeof statusCode === "number" && statusCode >= 400 && statusCode < 500) {
    return { status: statusCode, code: "FLOCK_OPTION_INVALID", message: String(message) };
  }
  return { status: 500, code: "FLOCK_INTERNAL", message: "The dashboard could not answer; its log says why." };
}
