// What a training tells its client, from inside of its task.
import { encodeValue, FlockError, TALK_BYTES } from "@taskflock/protocol";
import { expect, test } from "vitest";
import { runAsTask, type TaskHere } from "../../src/task-here.ts";
import type { TrainingReport } from "../../src/training/run/report.ts";
import { TrainingPort } from "../../src/training/run/training-port.ts";
import type { Epoch } from "../../src/training/types.ts";

test("a training whose epochs have many figures reports as many of the last as there is room for", () => {
  const reports: TrainingReport[] = [];
  const { signal } = new AbortController();
  const here: TaskHere = {
    ...{ signal, retiring: signal, task: { key: "training", attempt: 1, worker: "w" }, log: () => {} },
    report: (value) => {
      if (encodeValue(value).bytes > TALK_BYTES) throw new FlockError("FLOCK_TOO_LARGE", "too large");
      reports.push(value as TrainingReport);
    },
    onTell: () => () => {},
  };
  const figures = (count: number): Record<string, number> =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`f1OfLabel${i}`, Math.sin(i)]));
  const epoch = (number: number, count: number): Epoch => ({
    ...{ epoch: number, epochs: 500, logs: figures(count), seconds: 1, best: false, worker: "w", resumed: 0 },
  });
  const port = runAsTask(here, () => TrainingPort.open());
  const epochs = Array.from({ length: 400 }, (_, i) => epoch(i + 1, 300));
  port.report({ epochs });
  const told = reports.at(-1)!.epochs;
  expect(told.length).toBeGreaterThan(50);
  expect(told).toEqual(epochs.slice(-told.length));
  port.report({ epochs: [epoch(401, 100_000)] });
  expect(reports.at(-1)!.epochs).toEqual([]);
});
