// A large file to S3 in parts. It appears when all parts are there; before that readers see the old one, or none.
import type { CompletedPart, S3Client } from "@aws-sdk/client-s3";
import type { Sdk } from "./s3-client.ts";

interface Place {
  readonly Bucket: string;
  readonly Key: string;
}

const partBytes = 16 << 20;
const partLimit = 10_000;
const atOnce = 4;

export async function putParts(sdk: Sdk, client: S3Client, place: Place, bytes: Uint8Array): Promise<void> {
  const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand(place));
  const upload = { ...place, UploadId };
  try {
    const Parts = await sendParts(bytes, (PartNumber, Body) =>
      client.send(new sdk.UploadPartCommand({ ...upload, PartNumber, Body, ContentLength: Body.length })),
    );
    await client.send(new sdk.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
  } catch (error) {
    // What was sent costs its room until it is dropped; that this may fail, too, must not hide why.
    await client.send(new sdk.AbortMultipartUploadCommand(upload)).catch(() => undefined);
    throw error;
  }
}

async function sendParts(
  bytes: Uint8Array,
  send: (part: number, body: Uint8Array) => Promise<{ ETag?: string | undefined }>,
): Promise<CompletedPart[]> {
  const size = Math.max(partBytes, Math.ceil(bytes.length / partLimit));
  const parts: CompletedPart[] = Array.from({ length: Math.ceil(bytes.length / size) });
  let next = 0;
  const sender = async (): Promise<void> => {
    while (next < parts.length) {
      const index = next++;
      try {
        const { ETag } = await send(index + 1, bytes.subarray(index * size, (index + 1) * size));
        parts[index] = { PartNumber: index + 1, ETag };
      } catch (error) {
        // The others end with the part they are at.
        next = parts.length;
        throw error;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: atOnce }, sender));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  return parts;
}
