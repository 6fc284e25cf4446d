// What modelled clients do with data on the cluster: publish it and get it, copy and move it, and let tasks run without waiting.

import type { DatasetContent, PayloadRef, TaskNumber } from "@taskflock/protocol/words";
import type { ClientProcess } from "./client-process.ts";
import type { ModelFuture } from "./model-future.ts";
import type { Random } from "./random.ts";
import { makesActor, mayHang, type TaskBook, type TaskSpec } from "./tasks.ts";

const NAMES: readonly string[] = ["a", "b", "c"];
const MAX_FUTURES = 4;

export function dataErrand(client: ClientProcess, book: TaskBook, random: Random): void {
  switch (random.between(0, 7)) {
    case 0:
      publish(client, book, random);
      return;
    case 1:
    case 2:
      getDataset(client, book, random);
      return;
    case 3:
      unpublish(client, random.pick(NAMES));
      return;
    case 4:
      fireAndForget(client, random);
      return;
    case 5:
      replicate(client, random);
      return;
    case 6:
      client.ask({ q: "rebalance", ns: random.chance(0.5) ? null : numbers(pick(client, random)), workers: [] });
      return;
    default:
      client.ask({ q: "whoHas", ns: numbers(pick(client, random)) });
      client.ask({ q: "hasWhat", workers: random.chance(0.5) ? [] : [`w${random.between(0, 9)}`] });
      client.ask({ q: "datasets" });
  }
}

/** Takes every name back, so that nothing is kept for anybody. */
export function unpublishAll(client: ClientProcess): void {
  for (const name of NAMES) unpublish(client, name);
}

function publish(client: ClientProcess, book: TaskBook, random: Random): void {
  const futures = pick(client, random);
  const name = random.pick(NAMES);
  const override = random.chance(0.5);
  const value = book.published.push(futures.map(({ plan }) => plan.spec)) - 1;
  // Their numbers may be released before it is asked again: then the scheduler knows the question, or none of it happened.
  const ns = numbers(futures);
  client.ask(() => {
    const data: PayloadRef = client.payloads.put({ is: "value", value, bytes: 4 });
    return { q: "publish", name, ns, override, data, dataBytes: 4 };
  });
}

function getDataset(client: ClientProcess, book: TaskBook, random: Random): void {
  const name = random.pick(NAMES);
  const fetch = random.chance(0.7);
  const releaseAfterUs = random.chance(0.5) ? random.skewed(1, 100_000) : null;
  client.ask({ q: "dataset", name }, ({ value, error }, content) => {
    if (error !== null) return;
    const { version, results } = value as DatasetContent;
    if (content?.is !== "value") throw new Error(`dataset ${name} comes with ${content?.is}`);
    const specs = book.published[content.value];
    if (specs?.length !== results.length)
      throw new Error(`dataset ${name} has ${results.length} results, not ${specs?.length}`);
    const futures = specs.map((spec) => refer(client, spec, fetch, releaseAfterUs));
    const as = futures.map(({ n }) => n);
    client.ask({ q: "referToDataset", name, version, as }, (answer) => {
      for (const future of futures)
        if (answer.error === null) client.follow(future);
        else future.released = true; // the scheduler was told nothing of it
    });
  });
}

/** An object that lives on its worker has no bytes to be fetched. */
function refer(client: ClientProcess, spec: TaskSpec, fetch: boolean, releaseAfterUs: number | null): ModelFuture {
  return client.refer({ spec, fetch: fetch && !makesActor(spec), releaseAfterUs, cancelAfterUs: null });
}

function unpublish(client: ClientProcess, name: string): void {
  client.ask({ q: "dataset", name }, ({ value, error }) => {
    if (error === null) client.ask({ q: "unpublish", name, version: (value as DatasetContent).version });
  });
}

function fireAndForget(client: ClientProcess, random: Random): void {
  const futures = pick(client, random);
  client.ask({ q: "fireAndForget", ns: numbers(futures) }, () => {
    for (const { plan } of futures) plan.spec.history.fired = true;
  });
}

function replicate(client: ClientProcess, random: Random): void {
  const workers = random.chance(0.7) ? [] : ["w0", `w${random.between(0, 4)}`];
  client.ask({ q: "replicate", ns: numbers(pick(client, random)), copies: random.between(1, 5), workers });
}

/** Some that it has. A task that nobody but its client ever stops is kept by that client alone. */
function pick(client: ClientProcess, random: Random): ModelFuture[] {
  const held = [...client.futures.values()].filter((future) => !future.released && !mayHang(future.plan.spec));
  if (held.length === 0) return [];
  return Array.from({ length: random.between(1, MAX_FUTURES) }, () => random.pick(held));
}

function numbers(futures: readonly ModelFuture[]): TaskNumber[] {
  return futures.map(({ n }) => n);
}
