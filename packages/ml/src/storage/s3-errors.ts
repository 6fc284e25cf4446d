// What S3 and the AWS SDK report, in this project's words. Of their errors only name and message go on: no request, no key.
import { FlockError } from "@taskflock/protocol/words";
import { unreachable } from "./network.ts";
import type { NetworkOptions } from "./options.ts";

interface S3Failure {
  readonly name: string;
  readonly message: string;
  readonly code: string;
  readonly status: number | undefined;
}

function failureOf(error: unknown): S3Failure {
  const {
    name = "Error",
    message = String(error),
    code,
    $metadata,
  } = error as Record<string, unknown> & {
    name?: string;
    message?: string;
    $metadata?: { httpStatusCode?: number };
  };
  return {
    name,
    message: message === "UnknownError" ? name : message,
    code: String(code),
    status: $metadata?.httpStatusCode,
  };
}

export const isMissing = (error: unknown): boolean => failureOf(error).name === "NoSuchKey";

export function isOutOfRange(error: unknown): boolean {
  const { name, status } = failureOf(error);
  return name === "InvalidRange" || status === 416;
}

export function isRefused(error: unknown): boolean {
  const { status = 0 } = failureOf(error);
  return status >= 400 && status < 500;
}

/** Runs `work`; what it throws comes out as a FlockError that names the place. */
export async function told<T>(
  action: string,
  place: string,
  network: NetworkOptions,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw inWords(`${place}: cannot ${action}`, place, network, error);
  }
}

const credentialFaults = new Set([
  ...[
    "AccessDenied",
    "SignatureDoesNotMatch",
    "InvalidAccessKeyId",
    "ExpiredToken",
    "InvalidToken",
    "RequestTimeTooSkewed",
  ],
  ...["CredentialsProviderError", "AccountProblem", "TokenRefreshRequired"],
]);
const noRoom = new Set(["QuotaExceeded", "EntityTooLarge"]);
const passingFaults = new Set(["TimeoutError", "SlowDown", "RequestTimeout", "ServiceUnavailable", "InternalError"]);

function inWords(what: string, place: string, network: NetworkOptions, error: unknown): FlockError {
  if (error instanceof FlockError) return error;
  const failure = failureOf(error);
  const { name, message, status } = failure;
  const said = name === "Error" || name === message ? message : `${name}: ${message}`;
  const because = { cause: new Error(said) };
  if (name === "NoSuchBucket") {
    const bucket = place.split("/", 3).join("/");
    const text = `${what}: there is no bucket ${bucket}. Check its name, and the endpoint (AWS_ENDPOINT_URL_S3) and region.`;
    return new FlockError("FLOCK_STORAGE_NOT_FOUND", text, because);
  }
  if (noRoom.has(name) || status === 507)
    return new FlockError(
      "FLOCK_STORAGE_FULL",
      `${what}: ${name}, there is no room. Free space or raise the quota.`,
      because,
    );
  if (credentialFaults.has(name) || status === 401 || status === 403) {
    const text = `${what}: access is denied (${name}). Check credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, profile or role), and the bucket's policy.`;
    return new FlockError("FLOCK_STORAGE_DENIED", text, because);
  }
  if (status === 404)
    return new FlockError("FLOCK_STORAGE_NOT_FOUND", `${what}, it does not exist. Check the name.`, because);
  if (name === "PreconditionFailed" || status === 412 || name === "ConditionalRequestConflict") {
    const text = `${what}: it was changed by another meanwhile. Do it again, with one writer per file.`;
    return new FlockError("FLOCK_STORAGE_FAILED", text, because);
  }
  if (passing(failure)) return unreachable(what, network.retries + 1, new Error(said));
  return new FlockError("FLOCK_STORAGE_FAILED", `${what}: ${said}`, because);
}

/** Failures of the network have a code of the system, such as ECONNREFUSED. */
function passing({ name, code, status }: S3Failure): boolean {
  return passingFaults.has(name) || (status !== undefined && status >= 500) || /^E[A-Z_]+$/.test(code);
}
