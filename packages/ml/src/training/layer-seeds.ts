// Layers with a seed of their own. Dropout and initializers draw from the same seed each time they are asked; the layers that change
// images count theirs up from call to call, which is state.
import type * as tfjs from "@tensorflow/tfjs";

interface Seeded {
  readonly randomGenerator?: { seed: number | undefined };
  readonly layers?: readonly tfjs.layers.Layer[];
}

export function layerSeeds(model: tfjs.LayersModel): Record<string, number> {
  const seeds: Record<string, number> = {};
  eachLayer(model, "", (place, { randomGenerator }) => {
    if (randomGenerator?.seed !== undefined) seeds[place] = randomGenerator.seed;
  });
  return seeds;
}

export function setLayerSeeds(model: tfjs.LayersModel, seeds: Readonly<Record<string, number>>): void {
  eachLayer(model, "", (place, { randomGenerator }) => {
    if (randomGenerator !== undefined && seeds[place] !== undefined) randomGenerator.seed = seeds[place];
  });
}

function eachLayer(model: Seeded, path: string, visit: (place: string, layer: Seeded) => void): void {
  model.layers?.forEach((layer, i) => {
    const seeded = layer as unknown as Seeded;
    visit(`${path}${i}`, seeded);
    eachLayer(seeded, `${path}${i}.`, visit);
  });
}
