import { describe, expect, it } from "vitest";
import { type CheckpointFiles, CheckpointPlace, checkpointName } from "../../src/training/run/checkpoint-place.ts";

class Files implements CheckpointFiles {
  readonly where = "here";
  readonly files = new Map<string, Uint8Array>();
  broken = new Set<string>();

  async write(name: string, bytes: Uint8Array): Promise<void> {
    this.files.set(name, bytes);
  }
  async read(name: string): Promise<Uint8Array> {
    if (this.broken.has(name)) throw new Error(`${name} cannot be read`);
    return this.files.get(name) as Uint8Array;
  }
  async list(): Promise<readonly string[]> {
    return [...this.files.keys()];
  }
  async remove(name: string): Promise<void> {
    if (this.broken.has("remove")) throw new Error("not allowed");
    this.files.delete(name);
  }
}

function placed(): { files: Files; place: CheckpointPlace; warnings: string[] } {
  const files = new Files();
  const warnings: string[] = [];
  return { files, warnings, place: new CheckpointPlace(files, (message) => warnings.push(message)) };
}

/** Checkpoints after the epochs, each of one byte. */
async function write(place: CheckpointPlace, epochs: readonly number[], best: number | null): Promise<void> {
  for (const epoch of epochs) await place.write(checkpointName(epoch, 0, 0), Uint8Array.of(epoch), best);
}

describe("a place of checkpoints", () => {
  it("keeps the last two and that of the best epoch, and knows the furthest", async () => {
    const { files, place } = placed();
    files.files.set("log.csv", Uint8Array.of(0));
    await write(place, [1, 2, 3, 4, 5], 2);
    expect((await place.list()).map(({ epoch }) => epoch)).toEqual([5, 4, 2]);
    expect(files.files.has("log.csv")).toBe(true);
    await place.write(checkpointName(5, 7, 1), Uint8Array.of(7), 2);
    expect(await place.newest(() => {})).toMatchObject({ epoch: 5, step: 7, resumed: 1, bytes: Uint8Array.of(7) });
    await place.clear();
    expect([...files.files.keys()]).toEqual(["log.csv"]);
  });

  it("orders by epoch, batch and attempt, also beyond four digits", async () => {
    const { place, files } = placed();
    for (const [epoch, step, resumed] of [
      [9_999, 0, 0],
      [10_000, 0, 0],
      [10_000, 3, 0],
      [10_000, 3, 2],
    ] as const) {
      files.files.set(checkpointName(epoch, step, resumed).name, Uint8Array.of(1));
    }
    const all = (await place.list()).map(({ epoch, step, resumed }) => `${epoch} ${step} ${resumed}`);
    expect(all).toEqual(["10000 3 2", "10000 3 0", "10000 0 0", "9999 0 0"]);
  });

  it("passes over what cannot be read or is damaged; rejects when all is", async () => {
    const { place, files, warnings } = placed();
    expect(await place.newest(() => {})).toBeNull();
    await write(place, [1, 2], null);
    files.broken.add(checkpointName(2, 0, 0).name);
    expect(await place.newest(() => {})).toMatchObject({ epoch: 1 });
    expect(warnings).toEqual([expect.stringMatching(/epoch-0002.* in here is passed over: .* cannot be read/)]);
    const damaged = (): never => {
      throw new Error("it is damaged");
    };
    await expect(place.newest(damaged)).rejects.toThrow("epoch-0002");
  });

  it("says what it could not remove, and goes on", async () => {
    const { place, files, warnings } = placed();
    files.broken.add("remove");
    await write(place, [1, 2, 3], null);
    expect(warnings).toEqual([expect.stringContaining("not allowed")]);
    await expect(place.probe()).rejects.toThrow("not allowed");
  });

  it("refuses a second training", async () => {
    const { place } = placed();
    await place.ensureEmpty();
    await write(place, [1], null);
    await expect(place.ensureEmpty()).rejects.toMatchObject({ code: "FLOCK_OPTION_INVALID" });
  });
});
