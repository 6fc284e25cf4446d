import type { Client, WorkerInfo } from "@taskflock/client";
import { expect, test } from "vitest";
import { LocalSupplier } from "../src/local-supplier.ts";
import { completeOptions } from "../src/options.ts";

/** A supplier that sees workers as `told` says, of processes that run under `names`. */
function supplierOf(told: () => Partial<WorkerInfo>[], names: () => string[]): LocalSupplier {
  const client = { workers: async () => told(), scaling: { retireIdle: async (asked: string[]) => asked } };
  const options = completeOptions({ roleCommand: { command: "node", args: [] } });
  return new LocalSupplier(client as unknown as Client, { options, names, start: async () => [] });
}

test("a worker that leaves is not counted; one that was restarted and is back is", async () => {
  let told: Partial<WorkerInfo>[] = [
    { name: "worker-1", status: "running" },
    { name: "worker-2", status: "retiring" },
  ];
  const supplier = supplierOf(
    () => told,
    () => ["worker-1", "worker-2"],
  );
  expect(await supplier.workers()).toEqual(["worker-1"]);
  told = [{ name: "worker-1", status: "cut" }];
  expect(await supplier.workers()).toEqual(["worker-1"]);
  told = [{ name: "worker-2", status: "running" }];
  expect(await supplier.workers()).toEqual(["worker-1", "worker-2"]);
  await supplier.remove(["worker-1"], "idle");
  expect(await supplier.workers()).toEqual(["worker-2"]);
});
