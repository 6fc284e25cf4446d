// Hears which backend TensorFlow.js was loaded with here: `loadTensors` of @taskflock/tensors calls whoever is registered.
import type { WorkerTensors } from "@taskflock/protocol/code";

export type ToldTensors = Omit<WorkerTensors, "where">;

const LISTENER = Symbol.for("taskflock.tensorsLoaded");
const shared: typeof globalThis & { [LISTENER]?: (choice: unknown) => void } = globalThis;
/** Of a text; and of lists. What is longer helps nobody, and must pass as a message. */
const MOST_CHARACTERS = 1000;
const MOST_ENTRIES = 16;

/** `tell` gets each choice as plain data, whatever was said. */
export function listenToTensors(tell: (tensors: ToldTensors) => void): void {
  shared[LISTENER] = (choice) => {
    const { backend, versions, device, passedOver } = Object(choice);
    tell({
      backend: textOf(backend),
      versions: Object.entries(Object(versions))
        .slice(0, MOST_ENTRIES)
        .map(([name, version]) => textOf(`${name} ${version}`)),
      device: device === null || device === undefined ? null : textOf(device),
      passedOver: (Array.isArray(passedOver) ? passedOver : [])
        .slice(0, MOST_ENTRIES)
        .map((other) => ({ backend: textOf(other?.backend), why: textOf(other?.why) })),
    });
  };
}

function textOf(value: unknown): string {
  return String(value).slice(0, MOST_CHARACTERS);
}
