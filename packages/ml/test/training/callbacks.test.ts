// Callbacks beside Keras's own, whose doings data/make_callbacks_reference.py has written down.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CallbackRunner } from "../../src/training/callback-runner.ts";
import { eventRecord } from "../../src/training/callbacks/event-file.ts";
import { fillTemplate } from "../../src/training/callbacks/file-template.ts";
import {
  csvLogger,
  earlyStopping,
  learningRateScheduler,
  modelCheckpoint,
  reduceLROnPlateau,
  tensorBoard,
} from "../../src/training/callbacks/index.ts";
import { packCheckpoint, unpackCheckpoint } from "../../src/training/checkpoint-format.ts";
import type { Callback, CallbackContext, EpochLogs } from "../../src/training/types.ts";
import { files, type Written, written0 } from "./stage.ts";

interface Played {
  readonly epochs: number;
  readonly rates: readonly number[];
  readonly stopped: boolean;
  readonly weights: number;
  readonly saved: readonly string[];
}

interface Case {
  readonly options: object;
  readonly monitor: string;
  readonly path: string;
  readonly series: readonly (number | "NaN")[];
  readonly expected: Played;
}

interface Reference {
  readonly earlyStopping: readonly Case[];
  readonly reduceLROnPlateau: readonly Case[];
  readonly modelCheckpoint: readonly Case[];
  readonly learningRateScheduler: readonly number[];
  readonly csvLogger: readonly { options: object; before: string | null; file: string }[];
  readonly csvRows: readonly EpochLogs[];
  readonly events: readonly {
    wallTime: number;
    step: number;
    content: Parameters<typeof eventRecord>[2];
    record: string;
  }[];
}

const reference = JSON.parse(
  readFileSync(new URL("../data/callbacks-reference.json", import.meta.url), "utf8"),
) as Reference;

/** A training as a callback sees it: one weight, a learning rate, files. */
class Stage {
  readonly written: Written = written0();
  readonly context: CallbackContext;
  weights = [new Float32Array([0])];
  stopped: string | null = null;
  constructor(steps = 1, epochs = 20) {
    this.context = {
      epochs,
      steps,
      learningRate: 0.1,
      stopTraining: (reason) => {
        this.stopped ??= reason;
      },
      getWeights: async () => this.weights.map((weight) => weight.slice()),
      setWeights: (weights) => {
        this.weights = weights.map((weight) => weight.slice());
      },
      artifact: async () => ({ modelTopology: {}, weightSpecs: [], weightData: new Uint8Array(4) }),
      log: (text) => void this.written.lines.push(text),
      files: files(this.written),
      worker: "w1",
      resumed: 0,
    };
  }
}

/** As the reference's play(); the callback's state goes through a checkpoint after each epoch. */
async function play(
  callback: Callback,
  series: readonly (number | "NaN")[],
  monitor: string,
  batches = 0,
): Promise<Played> {
  const stage = new Stage(Math.max(1, batches));
  const rates: number[] = [];
  let runner = new CallbackRunner([callback], stage.context);
  for (const [index, figure] of series.entries()) {
    const [epoch, value] = [index + 1, Number(figure)];
    await runner.epochBegin(epoch);
    for (let step = 0; step < batches; step++)
      await runner.batchEnd(index * batches + step + 1, { loss: value + step });
    stage.weights = [new Float32Array([epoch])];
    await runner.epochEnd(epoch, { [monitor]: value, loss: 1.5 });
    rates.push(stage.context.learningRate);
    const states = unpackCheckpoint(packCheckpoint(runner.states())) as ReturnType<CallbackRunner["states"]>;
    runner = new CallbackRunner([callback], stage.context);
    runner.restore(states);
    if (stage.stopped !== null) break;
  }
  await runner.trainEnd();
  const saved = stage.written.order.filter((name) => name.endsWith("/model.json")).map((name) => name.slice(0, -11));
  return {
    epochs: rates.length,
    rates,
    stopped: stage.stopped !== null,
    weights: stage.weights[0]?.[0] as number,
    saved,
  };
}

function expectSame(played: Played, expected: Played, what: string): void {
  expect({ ...played, rates: [] }, what).toEqual({ ...expected, rates: [] });
  for (const [i, rate] of played.rates.entries()) expect(rate, what).toBeCloseTo(expected.rates[i] as number, 9);
}

describe("callbacks do what Keras's do", () => {
  it(`earlyStopping: ${reference.earlyStopping.length} trainings`, async () => {
    for (const { options, monitor, series, expected } of reference.earlyStopping)
      expectSame(await play(earlyStopping(options), series, monitor), expected, JSON.stringify({ options, series }));
  });

  it(`reduceLROnPlateau: ${reference.reduceLROnPlateau.length} trainings`, async () => {
    for (const { options, monitor, series, expected } of reference.reduceLROnPlateau)
      expectSame(
        await play(reduceLROnPlateau(options), series, monitor),
        expected,
        JSON.stringify({ options, series }),
      );
  });

  it(`modelCheckpoint: ${reference.modelCheckpoint.length} trainings, names with figures in them`, async () => {
    for (const { path, options, series, expected } of reference.modelCheckpoint) {
      const monitor = path.includes("valAccuracy") ? "valAccuracy" : "valLoss";
      expectSame(
        await play(modelCheckpoint(path, options), series, monitor, 3),
        expected,
        JSON.stringify({ path, options }),
      );
    }
  });

  it("learningRateScheduler", async () => {
    const series = reference.learningRateScheduler.map((_, i) => 1 - i / 10);
    const played = await play(
      learningRateScheduler((epoch, rate) => (epoch < 2 ? rate : rate * 0.5)),
      series,
      "valLoss",
    );
    expect(played.rates).toEqual(reference.learningRateScheduler);
  });

  it("csvLogger: header, separator, append, figures that are missing", async () => {
    for (const { options, before, file } of reference.csvLogger) {
      const stage = new Stage();
      if (before !== null) stage.written.files.set("run/log.csv", Buffer.from(before));
      const runner = new CallbackRunner([csvLogger("run/log.csv", options)], stage.context);
      for (const [i, logs] of reference.csvRows.entries()) await runner.epochEnd(i + 1, logs);
      expect(Buffer.from(stage.written.files.get("run/log.csv") as Uint8Array).toString()).toBe(file);
    }
  });

  it("tensorBoard: records are TensorBoard's own, byte by byte", () => {
    for (const { wallTime, step, content, record } of reference.events)
      expect(Buffer.from(eventRecord(wallTime, step, content)).toString("hex")).toBe(record);
  });
});

describe("callbacks", () => {
  it("say once when their figure is missing, and do nothing else", async () => {
    for (const callback of [
      earlyStopping(),
      reduceLROnPlateau({ patience: 0 }),
      modelCheckpoint("m", { saveBestOnly: true }),
    ]) {
      const stage = new Stage();
      const runner = new CallbackRunner([callback], stage.context);
      for (let epoch = 1; epoch <= 3; epoch++) await runner.epochEnd(epoch, { loss: 1 });
      expect(stage.written.lines).toHaveLength(1);
      expect(stage.written.lines[0]).toContain("valLoss");
      expect([stage.stopped, stage.context.learningRate]).toEqual([null, 0.1]);
    }
  });

  it("say what they do, when asked to", async () => {
    const stage = new Stage();
    const callbacks = [
      reduceLROnPlateau({ patience: 1, verbose: true }),
      modelCheckpoint("m", { saveBestOnly: true, verbose: true }),
      earlyStopping({ patience: 1, restoreBestWeights: true, verbose: true }),
    ];
    const runner = new CallbackRunner(callbacks, stage.context);
    await runner.epochEnd(1, { valLoss: 1 });
    await runner.epochEnd(2, { valLoss: 2 });
    await runner.trainEnd();
    expect(stage.written.lines).toEqual([
      "Epoch 1: valLoss improved from none to 1.00000",
      "Epoch 1: finished saving model to m",
      "Epoch 2: reduceLROnPlateau reducing learning rate to 0.010000000000000002.",
      "Epoch 2: valLoss did not improve from 1.00000",
      "Epoch 2: early stopping",
      "Restoring model weights from the end of the best epoch: 1.",
    ]);
    expect(stage.stopped).toBe("early stopping: valLoss has not improved since epoch 1");
  });

  it("know which way a figure is better: losses less, metrics as they say, and else they ask", async () => {
    expect((await play(earlyStopping({ monitor: "valF1Macro" }), [0.1, 0.2, 0.15], "valF1Macro")).epochs).toBe(3);
    expect((await play(earlyStopping({ monitor: "f1" }), [0.1, 0.2, 0.15, 0.3], "f1")).epochs).toBe(3);
    expect(
      (await play(earlyStopping({ monitor: "valFalsePositives" }), [5, 4, 6, 1], "valFalsePositives")).epochs,
    ).toBe(3);
    for (const make of [earlyStopping, reduceLROnPlateau])
      expect(() => make({ monitor: "valQuality" })).toThrow('Pass mode: "max" or mode: "min".');
    expect((await play(earlyStopping({ monitor: "valQuality", mode: "max" }), [1, 2, 1, 3], "valQuality")).epochs).toBe(
      3,
    );
  });

  it("refuse options that they do not know or cannot use", () => {
    const code = { code: "FLOCK_OPTION_INVALID" };
    const refused = [
      () => earlyStopping({ patience: -1 }),
      () => earlyStopping({ pateince: 1 } as object),
      () => earlyStopping({ mode: "less" as "min" }),
      () => earlyStopping({ baseline: Number.NaN }),
      () => earlyStopping(null as unknown as object),
      () => modelCheckpoint("m", 5 as unknown as object),
      () => reduceLROnPlateau({ factor: 1 }),
      () => modelCheckpoint(""),
      () => modelCheckpoint("m", { saveFreq: 0 }),
      () => csvLogger("log.csv", { separator: "" }),
      () => tensorBoard({ updateFreq: "often" as "batch" }),
    ];
    for (const make of refused) {
      let thrown: unknown = null;
      try {
        make();
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toMatchObject(code);
    }
    expect(() => fillTemplate("{epoch}-{valF1:.2f}", { epoch: 1 })).toThrow("There is no figure for {valF1:.2f}");
    expect(fillTemplate("{a:06.2f} {a:7.1f} {b:03d}", { a: -1.234, b: -5 })).toBe("-01.23    -1.2 -05");
  });

  it("travel as data; what is no callback is refused", () => {
    const made = [
      earlyStopping({ baseline: 1 }),
      reduceLROnPlateau(),
      modelCheckpoint("m", { saveBestOnly: true }),
      csvLogger("log.csv"),
      tensorBoard(),
    ];
    for (const callback of made) expect(structuredClone(callback)).toEqual(callback);
    const { context } = new Stage();
    const none = [null, {}, { builtIn: "toString", options: {} }, () => undefined] as unknown as Callback[];
    for (const callback of none)
      expect(() => new CallbackRunner([earlyStopping(), callback], context)).toThrow("callbacks[1] is not a callback");
    const misspelt = { name: "own", onEpohEnd: () => undefined };
    expect(() => new CallbackRunner([misspelt], context)).toThrow(
      "callbacks[0].onEpohEnd is no hook: there are start,",
    );
    const noFunction = { name: "own", onEpochEnd: 3 } as unknown as Callback;
    expect(() => new CallbackRunner([noFunction], context)).toThrow("callbacks[0].onEpochEnd is no function.");
  });

  it("tensorBoard: files for training and validation, batches, and a new file with a restart after a checkpoint", async () => {
    const stage = new Stage(2);
    const callback = tensorBoard({ logDir: "tb", updateFreq: "batch" });
    const runner = new CallbackRunner([callback, tensorBoard()], stage.context);
    await runner.batchEnd(1, { loss: 3 });
    await runner.batchEnd(2, { loss: 2 });
    await runner.epochEnd(1, { loss: 2, f1: 0.5, valLoss: 4, learningRate: 0.1 });
    const states = runner.states();
    await runner.epochEnd(2, { loss: 1 });
    const again = new CallbackRunner([callback, tensorBoard()], { ...stage.context, resumed: 1 });
    again.restore(states);
    await again.epochEnd(2, { loss: 1 });
    // Stopped within the third epoch.
    await again.batchEnd(5, { loss: 0.5 });
    await again.trainEnd();
    const byFolder = (folder: string) =>
      [...stage.written.files.entries()]
        .filter(([name]) => name.startsWith(`${folder}/events.out.tfevents.`))
        .sort()
        .map(([, bytes]) => events(Buffer.from(bytes)));
    const version = { step: 0, version: "brain.Event:2" };
    expect(byFolder("tb/train")).toEqual([
      [
        version,
        { step: 1, scalars: { batch_loss: 3 } },
        { step: 2, scalars: { batch_loss: 2 } },
        { step: 0, scalars: { epoch_loss: 2, epoch_f1: 0.5, epoch_learning_rate: Math.fround(0.1) } },
        { step: 1, scalars: { epoch_loss: 1 } },
      ],
      [version, { step: 1, scalars: { epoch_loss: 1 } }, { step: 5, scalars: { batch_loss: 0.5 } }],
    ]);
    expect(byFolder("tb/validation")).toEqual([[version, { step: 0, scalars: { epoch_loss: 4 } }]]);
    expect(byFolder("logs/train")[1]).toEqual([
      version,
      { step: 1, restart: true },
      { step: 1, scalars: { epoch_loss: 1 } },
    ]);
  });
});

interface DecodedEvent {
  step: number;
  version?: string;
  restart?: boolean;
  scalars?: Record<string, number>;
}

/** Events of a file, by the rules of TFRecords and protobuf; checksums are compared with the reference's elsewhere. */
function events(file: Buffer): DecodedEvent[] {
  const found: DecodedEvent[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    found.push(decodeEvent(file.subarray(at + 12, at + 12 + length)));
    at += 16 + length;
  }
  return found;
}

function decodeEvent(bytes: Buffer): DecodedEvent {
  const event: DecodedEvent = { step: 0 };
  for (const { field, value } of fields(bytes)) {
    if (field === 2) event.step = value as number;
    if (field === 3) event.version = String(value);
    if (field === 7) event.restart = fields(value as Buffer)[0]?.value === 1;
    if (field === 5)
      event.scalars = Object.fromEntries(
        fields(value as Buffer).map(({ value: scalar }) => {
          const [tag, figure] = fields(scalar as Buffer).map((part) => part.value);
          return [String(tag), (figure as Buffer).readFloatLE()];
        }),
      );
  }
  return event;
}

/** Fields of a message: whole numbers as numbers, all else as bytes. */
function fields(bytes: Buffer): { field: number; value: number | Buffer }[] {
  const found: { field: number; value: number | Buffer }[] = [];
  let at = 0;
  const varint = (): number => {
    let [value, scale] = [0, 1];
    for (; (bytes[at] as number) >= 128; at++, scale *= 128) value += ((bytes[at] as number) - 128) * scale;
    return value + (bytes[at++] as number) * scale;
  };
  while (at < bytes.length) {
    const key = varint();
    const wire = key & 7;
    if (wire === 0) found.push({ field: key >>> 3, value: varint() });
    else {
      const length = wire === 1 ? 8 : wire === 5 ? 4 : varint();
      found.push({ field: key >>> 3, value: bytes.subarray(at, at + length) });
      at += length;
    }
  }
  return found;
}
