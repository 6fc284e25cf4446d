// What a client told of a training becomes curves, figures in words, and CSV.
import type { DetailEntry } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { type Training, trainingCsv, trainings } from "../../server/details/training-table.ts";
import {
  charts,
  epochText,
  figureName,
  firstTrials,
  lastValue,
  sideChart,
} from "../../web/pages/training/training-model.ts";
import { epoch, itemsOf } from "./detail-items.ts";

const head = (trial = -1): DetailEntry => {
  return { e: "training", trial, model: "mlp", parameters: 1234, epochs: 10, samples: 500, workers: 2 };
};
const one = (...entries: readonly DetailEntry[]): Training => {
  const [training] = trainings(itemsOf(entries));
  if (training === undefined) throw new Error("no training");
  return training;
};

describe("the table of a training", () => {
  it("has the epochs in order, checkpoints and remarks", () => {
    const training = one(
      head(),
      ...[epoch(1, { loss: 1, valLoss: 1.1 }), epoch(2, { loss: 0.5, valLoss: 0.9 })],
      { e: "checkpoint", trial: -1, epoch: 2, where: "runs/1", bytes: 4096 },
      { e: "remark", trial: -1, text: "resumed after worker-2 was lost" },
    );
    expect(training).toMatchObject({ trial: -1, model: "mlp", parameters: 1234, epochs: 10, bestEpoch: 2 });
    expect(training.history.map(({ epoch, values }) => [epoch, values["loss"]])).toEqual([
      [1, 1],
      [2, 0.5],
    ]);
    expect(training.checkpoints).toMatchObject([{ epoch: 2, where: "runs/1", bytes: 4096 }]);
    expect(training.remarks).toEqual([{ at: 5e6, text: "resumed after worker-2 was lost" }]);
  });

  it("shows an epoch that was done again once, as it was last", () => {
    const training = one(head(), epoch(1, { loss: 1 }), epoch(2, { loss: 0.6 }), epoch(2, { loss: 0.5 }));
    expect(training.history.map(({ values }) => values["loss"])).toEqual([1, 0.5]);
  });

  it("reckons the time left at the pace of the last epochs", () => {
    expect(one(head()).secondsLeft).toBeNull();
    expect(one(head(), epoch(1, { loss: 1 }), epoch(2, { loss: 1 })).secondsLeft).toBe(16);
    expect(one(epoch(3, { loss: 1 })).secondsLeft).toBeNull();
  });

  it("tells trials apart, and finds none in other runs", () => {
    const all = trainings(itemsOf([head(1), head(0), epoch(1, { loss: 1 }, 1)]));
    expect(all.map(({ trial, history }) => [trial, history.length])).toEqual([
      [0, 0],
      [1, 1],
    ]);
    expect(trainings(itemsOf([{ e: "remark", trial: -1, text: "done" }]))).toEqual([]);
  });

  it("puts loss first and validation beside it", () => {
    const training = one(epoch(1, { valAccuracy: 0.5, accuracy: 0.6, valLoss: 1, loss: 1, valOnly: 2 }));
    expect(training.names).toEqual(["loss", "valLoss", "accuracy", "valAccuracy", "valOnly"]);
  });

  it("is CSV with one line for each epoch", () => {
    const all = trainings(itemsOf([epoch(1, { loss: 1, "=x": null }), epoch(2, { loss: 0.1 + 0.2 })]));
    expect(trainingCsv(all)).toBe(
      "trial,epoch,step,seconds,learning_rate,loss,'=x,is_best\r\n-1,1,32,2,0.001,1,,false\r\n-1,2,64,2,0.001,0.30000000000000004,,true\r\n",
    );
  });
});

describe("the charts of trainings", () => {
  const a = one(head(), epoch(1, { loss: 1, valLoss: 1.5 }), epoch(3, { loss: 0.5, valLoss: 1.2 }));
  const b = one(head(), epoch(2, { loss: 2 }));

  it("lay training against validation", () => {
    expect(charts([{ run: 1, name: "a", training: a }])).toEqual([
      {
        title: "loss",
        x: [1, 3],
        curves: [
          { label: "training", of: 0, isValidation: false, y: [1, 0.5] },
          { label: "validation", of: 0, isValidation: true, y: [1.5, 1.2] },
        ],
      },
    ]);
  });

  it("overlay runs by epoch", () => {
    const shown = [
      { run: 1, name: "a", training: a },
      { run: 2, name: "b", training: b },
    ];
    const [loss] = charts(shown);
    expect(loss?.x).toEqual([1, 2, 3]);
    expect(loss?.curves.map(({ label, of, y }) => [label, of, y])).toEqual([
      ["a, training", 0, [1, null, 0.5]],
      ["a, validation", 0, [1.5, null, 1.2]],
      ["b, training", 1, [null, 2, null]],
    ]);
    expect(sideChart(shown, "seconds", ({ seconds }) => seconds).curves.map(({ y }) => y)).toEqual([
      [2, null, 2],
      [null, 2, null],
    ]);
    expect(sideChart(shown, "none", () => null).curves).toEqual([]);
  });

  it("give a validation figure without its training figure a chart of its own", () => {
    const only = one(epoch(1, { loss: 1, valScore: 2 }));
    expect(charts([{ run: 1, name: "a", training: only }]).map(({ title }) => title)).toEqual(["loss", "valScore"]);
  });
});

describe("a training in words", () => {
  it("says how far it is, and names figures", () => {
    expect(epochText(one(head()))).toBe("no epoch of 10 yet");
    expect(epochText(one(head(), epoch(7, { loss: 1 })))).toBe("epoch 7 of 10");
    expect(epochText(one(epoch(7, { loss: 1 })))).toBe("epoch 7");
    expect(["loss", "valLoss", "valMeanSquaredError"].map(figureName)).toEqual([
      ...["loss", "validation loss", "validation mean squared error"],
    ]);
    expect(lastValue(one(head()), "loss")).toBeNull();
  });

  it("chooses the trials with the lowest loss", () => {
    const losses = [0.5, 0.2, 0.9, 0.2];
    const all = trainings(itemsOf(losses.flatMap((loss, trial) => [head(trial), epoch(1, { loss }, trial)])));
    expect(firstTrials(all, "loss", 3)).toEqual([1, 3, 0]);
    expect(firstTrials(all, "valLoss", 2)).toEqual([0, 1]);
  });
});
