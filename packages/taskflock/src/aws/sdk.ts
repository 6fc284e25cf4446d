// The AWS SDK's clients, which users install when they use AWS, and what goes wrong there in words.
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { FlockError, isFlockError } from "@taskflock/protocol/words";

/**
 * A client of the AWS SDK: `loadAws("@aws-sdk/client-ecr", () => import("@aws-sdk/client-ecr"))`. Also found where the command runs,
 * because a strict layout of node_modules, or a global taskflock, does not see the user's packages.
 */
export async function loadAws<Sdk>(name: string, load: () => Promise<Sdk>): Promise<Sdk> {
  // It would say with every command that it is about to give up a Node that Taskflock supports.
  process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";
  try {
    return await load();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw notLoaded(name, error);
  }
  try {
    const path = createRequire(join(process.cwd(), "package.json")).resolve(name);
    return (await import(pathToFileURL(path).href)) as Sdk;
  } catch (error) {
    throw notLoaded(name, error);
  }
}

function notLoaded(name: string, cause: unknown): FlockError {
  const why = String((cause as Error).message).split("\n", 1)[0] ?? "";
  return new FlockError(
    "FLOCK_AWS_SDK",
    `this needs the package ${name}, which cannot be loaded here (${why}). Install it: npm install ${name}`,
    { cause },
  );
}

const wrongCredentials =
  /^(CredentialsProviderError|TokenProviderError|ExpiredToken(Exception)?|RequestExpired|UnrecognizedClientException|InvalidClientTokenId|InvalidSignatureException|SignatureDoesNotMatch|AuthFailure)$/;
const denied = /^(AccessDenied(Exception)?|UnauthorizedOperation|UnauthorizedAccess|UnauthorizedException)$/;

/** What AWS, or its SDK, threw: coded. `what` says what was wanted: "make the repository taskflock". */
export function awsError(error: unknown, what: string): FlockError {
  if (isFlockError(error)) return error;
  const { name = "Error", message = String(error) } = error as Partial<Error>;
  const said = `Cannot ${what}: ${name}: ${message.trim()}`;
  const coded = (code: "FLOCK_AWS_CREDENTIALS" | "FLOCK_AWS_REGION" | "FLOCK_AWS_DENIED" | "FLOCK_AWS_FAILED") =>
    new FlockError(code, `${said.replace(/\.?$/, ".")}${advice[code]}${more(code, message)}`, { cause: error });
  if (wrongCredentials.test(name)) return coded("FLOCK_AWS_CREDENTIALS");
  if (denied.test(name)) return coded("FLOCK_AWS_DENIED");
  if (/^Region (is missing|not accepted)/.test(message)) return coded("FLOCK_AWS_REGION");
  return coded("FLOCK_AWS_FAILED");
}

const advice = {
  FLOCK_AWS_CREDENTIALS: " `aws sts get-caller-identity` says which credentials are found; AWS_PROFILE chooses others.",
  FLOCK_AWS_REGION: " Pass --region, or set AWS_REGION.",
  FLOCK_AWS_DENIED: " Whoever the credentials are must be allowed to do it.",
  FLOCK_AWS_FAILED: "",
} as const;

/** What else is known of why. */
function more(code: keyof typeof advice, message: string): string {
  const profile = process.env["AWS_PROFILE"];
  if (code === "FLOCK_AWS_CREDENTIALS" && profile) return ` Here it says ${JSON.stringify(profile)}.`;
  const isUnreachable = code === "FLOCK_AWS_FAILED" && /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT/.test(message);
  return isUnreachable ? " Look at the region's name and at the network here." : "";
}
