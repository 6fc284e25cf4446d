// Bytes that the cluster keeps for tasks that may be begun again elsewhere, as published datasets. The functions travel by name, and run
// inside of tasks; a door of its own lets workers load little.

import { isFlockError } from "@taskflock/protocol/words";
import type { Client } from "./client.ts";
import { taskClient } from "./task-client.ts";

/** What names need of a client. */
type Datasets = Pick<Client, "datasets" | "unpublish">;

/** So that the loss of one worker loses none. */
const COPIES = 2;

export async function writeKeptBytes(name: string, bytes: Uint8Array): Promise<void> {
  const client = await taskClient();
  const future = await client.scatter(bytes, { name: "kept" });
  try {
    await copyAround(client, future);
    await client.publish(name, future, { override: true });
  } finally {
    future.release();
  }
}

/** Where there is one worker there is one copy. */
async function copyAround(client: Client, future: Parameters<Client["replicate"]>[0]): Promise<void> {
  const there = (await client.workers()).length;
  if (there > 1) await client.replicate(future, { copies: COPIES });
}

export async function readKeptBytes(name: string): Promise<Uint8Array> {
  const client = await taskClient();
  const future = await client.getDataset<{ result(): Promise<Uint8Array>; release(): void }>(name);
  try {
    return await future.result();
  } finally {
    future.release();
  }
}

export async function listKeptBytes(prefix: string): Promise<readonly string[]> {
  return namesOf(await taskClient(), prefix);
}

export async function removeKeptBytes(name: string): Promise<void> {
  await remove(await taskClient(), name);
}

/** All under names that begin so; for clients outside of tasks. */
export async function removeAllKeptBytes(client: Datasets, prefix: string): Promise<void> {
  for (const name of await namesOf(client, prefix)) await remove(client, name);
}

async function namesOf(client: Datasets, prefix: string): Promise<string[]> {
  return (await client.datasets()).map(({ name }) => name).filter((name) => name.startsWith(prefix));
}

async function remove(client: Datasets, name: string): Promise<void> {
  try {
    await client.unpublish(name);
  } catch (error) {
    if (!isFlockError(error) || error.code !== "FLOCK_DATASET_UNKNOWN") throw error;
  }
}
