// OpenTelemetry: with a tracer of the user's, each task is a span with its phases; without one, nothing of it is loaded.

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Span, trace } from "@opentelemetry/api";
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { type Client, LocalCluster } from "taskflock";
import { afterAll, beforeAll, expect, test } from "vitest";

const exporter = new InMemorySpanExporter();
let cluster: LocalCluster;
let client: Client;
beforeAll(async () => {
  cluster = await LocalCluster.start({ workers: 1, threadsPerWorker: 1 });
}, 60_000);
afterAll(async () => {
  await client?.close();
  await cluster?.close();
  trace.disable();
});

const ms = ([seconds, nanos]: readonly [number, number]): number => seconds * 1000 + nanos / 1e6;

async function spansOf(name: string, count: number): Promise<ReadableSpan[]> {
  await expect.poll(() => exporter.getFinishedSpans().filter((span) => span.name === name).length).toBe(count);
  return exporter.getFinishedSpans().filter((span) => span.name === name);
}

function childrenOf(span: ReadableSpan): ReadableSpan[] {
  return exporter.getFinishedSpans().filter((one) => one.parentSpanContext?.spanId === span.spanContext().spanId);
}

test("a task is a span below the active one, with its wait, run and transfer", async () => {
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
  client = await cluster.connect({ logs: "ignore" });
  const began = Date.now();
  const large = client.submit(
    function large(n: number) {
      return new Float64Array(n);
    },
    [100_000],
  );
  await large.result();
  const [task] = (await spansOf("task large", 1)) as [ReadableSpan];
  expect(task.attributes).toMatchObject({ "taskflock.key": large.key, "taskflock.outcome": "done" });
  const [transfer] = (await spansOf("transfer", 1)) as [ReadableSpan];
  expect(transfer.attributes["taskflock.bytes"]).toBeGreaterThan(800_000);
  const children = childrenOf(task);
  expect(children.map(({ name }) => name).sort()).toEqual(["run", "transfer", "wait"]);
  const run = children.find(({ name }) => name === "run")!;
  const [worker] = await client.workers();
  expect(run.attributes).toEqual({ "taskflock.worker": worker!.name, "taskflock.attempt": 1 });
  expect(ms(run.endTime)).toBeGreaterThanOrEqual(ms(run.startTime));
  expect(Math.abs(ms(run.startTime) - began)).toBeLessThan(60_000);
}, 60_000);

test("a failure is an error with what was thrown; retries are runs; call() releases and is told all the same", async () => {
  exporter.reset();
  const calls = client.call(
    function broken(): number {
      throw new RangeError("not a number");
    },
    [],
    { retries: 1 },
  );
  await expect(calls).rejects.toThrow("not a number");
  const [task] = (await spansOf("task broken", 1)) as [ReadableSpan];
  expect(task.status).toMatchObject({ code: 2, message: "not a number" });
  expect(task.events[0]?.attributes).toMatchObject({ "exception.type": "RangeError" });
  expect(childrenOf(task).filter(({ name }) => name === "run")).toHaveLength(2);
}, 60_000);

test("what was never to end ends with the client; unsampled tasks cost no span", async () => {
  exporter.reset();
  const other = await cluster.connect({ logs: "ignore" });
  other.submit(function endless() {
    for (;;) Math.sqrt(2);
  }, []);
  await other.close();
  await spansOf("task endless", 1);
  trace.disable();
  const off = new BasicTracerProvider({
    sampler: new AlwaysOffSampler(),
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  });
  trace.setGlobalTracerProvider(off);
  exporter.reset();
  const unsampled = await cluster.connect({ logs: "ignore" });
  const outer: Span = trace.getTracer("mine").startSpan("outer");
  expect(await unsampled.call((x: number) => x + 1, [1])).toBe(2);
  outer.end();
  await unsampled.close();
  expect(exporter.getFinishedSpans()).toEqual([]);
}, 60_000);

test("without a tracer nothing of OpenTelemetry is loaded", () => {
  const program = `
    import { Client } from "taskflock";
    const client = await Client.connect(${JSON.stringify(cluster.address)}, { logs: "ignore" });
    await client.call((x) => x, [1]);
    await client.close();
    console.log(globalThis[Symbol.for("opentelemetry.js.api.1")] === undefined);`;
  const printed = execFileSync(process.execPath, ["--input-type=module", "-e", program], {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    env: { ...process.env, TASKFLOCK_TOKEN: cluster.token },
    encoding: "utf8",
    timeout: 30_000,
  });
  expect(printed.trim()).toBe("true");
}, 60_000);
