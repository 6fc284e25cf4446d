// The AWS SDK, which users install when they use S3, and its client.
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { S3Client, S3ClientConfig } from "@aws-sdk/client-s3";
import { FlockError } from "@taskflock/protocol/words";
import type { NetworkOptions } from "./options.ts";
import type { S3Options } from "./storage.ts";

export type Sdk = typeof import("@aws-sdk/client-s3");

export async function connect(options: S3Options, network: NetworkOptions): Promise<{ sdk: Sdk; client: S3Client }> {
  const sdk = await loadSdk();
  const settings = clientSettings(options, network);
  const client = new sdk.S3Client(settings);
  if (settings.region !== undefined || (await hasRegion(client))) return { sdk, client };
  client.destroy();
  return { sdk, client: new sdk.S3Client({ ...settings, region: "us-east-1" }) };
}

function clientSettings(options: S3Options, { retries, timeoutMs }: NetworkOptions): S3ClientConfig {
  const { env } = process;
  const endpoint = options.endpoint ?? env["AWS_ENDPOINT_URL_S3"] ?? env["AWS_ENDPOINT_URL"];
  const region = options.region ?? env["AWS_REGION"] ?? env["AWS_DEFAULT_REGION"];
  return {
    maxAttempts: retries + 1,
    requestHandler: { connectionTimeout: timeoutMs, socketTimeout: timeoutMs },
    // Servers other than Amazon's often do not know the SDK's newer checksums.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    followRegionRedirects: true,
    forcePathStyle: options.forcePathStyle ?? endpoint !== undefined,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
  };
}

/** The SDK looks into the user's profile, too. */
async function hasRegion(client: S3Client): Promise<boolean> {
  return await client.config.region().then(
    () => true,
    () => false,
  );
}

async function loadSdk(): Promise<Sdk> {
  try {
    return await import("@aws-sdk/client-s3");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw notLoaded(error);
    return await loadFrom(process.cwd());
  }
}

/** A strict layout of node_modules shows the package to the user's program only. */
async function loadFrom(folder: string): Promise<Sdk> {
  try {
    const path = createRequire(join(folder, "package.json")).resolve("@aws-sdk/client-s3");
    return await import(pathToFileURL(path).href);
  } catch (error) {
    throw notLoaded(error);
  }
}

function notLoaded(cause: unknown): FlockError {
  return new FlockError(
    "FLOCK_STORAGE_SDK",
    `s3:// addresses need the package @aws-sdk/client-s3, which cannot be loaded here (${firstLine(cause)}). Install it: npm install @aws-sdk/client-s3 – on the workers, too, when tasks read or write there.`,
    { cause },
  );
}

function firstLine(error: unknown): string {
  return String((error as Error).message).split("\n", 1)[0] ?? "";
}
