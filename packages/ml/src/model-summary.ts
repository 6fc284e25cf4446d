// A model's layers as a table, as Keras prints them. TensorFlow.js prints its own to the console, cut off at a fixed width.

import { FlockError } from "@taskflock/protocol/words";
import { kindOf } from "./kinds.ts";

type Shape = readonly (number | null)[];

/** What the summary reads of a `tf.layers.Layer`. */
export interface SummaryLayer {
  readonly name: string;
  getClassName(): string;
  countParams(): number;
  readonly outputShape: Shape | readonly Shape[];
  readonly inboundNodes: readonly SummaryNode[];
}

export interface SummaryNode {
  readonly inboundLayers: readonly { readonly name: string }[];
  readonly nodeIndices: readonly number[];
  readonly tensorIndices: readonly number[];
}

/** What the summary reads of a `tf.LayersModel`. */
export interface SummaryModel {
  readonly name: string;
  readonly layers: readonly SummaryLayer[];
  readonly nodesByDepth?: Readonly<Record<string, readonly object[]>>;
  readonly trainableWeights: readonly { readonly shape: Shape }[];
  readonly nonTrainableWeights: readonly { readonly shape: Shape }[];
}

/**
 * One line per layer: its name and type, the shape of its output (`None`: any number of rows), how many numbers it learns or keeps,
 * and, unless the layers are a plain chain, what it is connected to; then the totals. Throws FLOCK_ARGUMENT_INVALID for what is no
 * model, or a model without layers.
 */
export function modelSummary(model: SummaryModel): string {
  if (typeof model !== "object" || model === null || !Array.isArray(model.layers)) {
    throw new FlockError("FLOCK_ARGUMENT_INVALID", `modelSummary takes a tf.LayersModel, not ${kindOf(model)}.`);
  }
  if (model.layers.length === 0) {
    throw new FlockError("FLOCK_ARGUMENT_INVALID", `The model "${model.name}" has no layers yet. Add them first.`);
  }
  const own = new Set(Object.values(model.nodesByDepth ?? {}).flat());
  const connections = model.layers.map((layer) => connectionsOf(layer, own));
  const chain = connections.every((from, at) => isNext(from, model.layers[at - 1]));
  const heading = ["Layer (type)", "Output Shape", "Param #", ...(chain ? [] : ["Connected to"])];
  const cells = model.layers.map((layer, at) => cellsOf(layer, chain ? [] : (connections[at] as string[])));
  const widths = heading.map((title, at) =>
    Math.max(title.length, ...cells.flatMap((rows) => rows.map((row) => (row[at] ?? "").length))),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => cell.padEnd(widths[at] as number))
      .join("  ")
      .trimEnd();
  const width = widths.reduce((sum, one) => sum + one + 2, -2);
  const [thin, thick] = ["_".repeat(width), "=".repeat(width)];
  return [
    `Model: "${model.name}"`,
    thin,
    line(heading),
    thick,
    ...cells.flatMap((rows, at) => [...rows.map(line), at === cells.length - 1 ? thick : thin]),
    ...totals(model),
    thin,
  ].join("\n");
}

/** Of the layers that a layer takes its inputs from, in this model: a layer may be part of others, too. */
function connectionsOf(layer: SummaryLayer, own: ReadonlySet<object>): string[] {
  return layer.inboundNodes
    .filter((node) => own.size === 0 || own.has(node))
    .flatMap(({ inboundLayers, nodeIndices, tensorIndices }) =>
      inboundLayers.map(({ name }, at) => `${name}[${nodeIndices[at]}][${tensorIndices[at]}]`),
    );
}

function isNext(from: readonly string[], before: SummaryLayer | undefined): boolean {
  // What comes before the first layer of a tf.sequential is not among its layers.
  return before === undefined ? from.length <= 1 : from.length === 1 && from[0] === `${before.name}[0][0]`;
}

/** The lines of a layer: the first with everything, then one for each further connection. */
function cellsOf(layer: SummaryLayer, connections: readonly string[]): string[][] {
  const first = [
    `${layer.name} (${layer.getClassName()})`,
    shownShape(outputOf(layer)),
    layer.countParams().toLocaleString("en-US"),
    ...connections.slice(0, 1),
  ];
  return [first, ...connections.slice(1).map((connection) => ["", "", "", connection])];
}

/** null where the layer is used several times with different shapes: TensorFlow.js throws then. */
function outputOf(layer: SummaryLayer): Shape | readonly Shape[] | null {
  try {
    return layer.outputShape;
  } catch (error) {
    if (layer.inboundNodes.length > 1) return null;
    throw error;
  }
}

function shownShape(shape: Shape | readonly Shape[] | null): string {
  if (shape === null) return "multiple";
  if (shape.some((part) => Array.isArray(part))) return (shape as readonly Shape[]).map(shownShape).join(", ");
  const sizes = (shape as Shape).map((size) => (size === null ? "None" : String(size)));
  return sizes.length === 1 ? `(${sizes[0]},)` : `(${sizes.join(", ")})`;
}

function totals({ trainableWeights, nonTrainableWeights }: SummaryModel): string[] {
  const [trained, kept] = [sizeOf(trainableWeights), sizeOf(nonTrainableWeights)];
  const shown = (count: number): string => count.toLocaleString("en-US");
  return [
    `Total params: ${shown(trained + kept)}`,
    `Trainable params: ${shown(trained)}`,
    `Non-trainable params: ${shown(kept)}`,
  ];
}

function sizeOf(weights: SummaryModel["trainableWeights"]): number {
  return weights.reduce((sum, { shape }) => sum + shape.reduce<number>((size, length) => size * (length ?? 1), 1), 0);
}
