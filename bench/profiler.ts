// Profiles of all threads of some processes, taken while a workload is measured, as files for Chrome's and VS Code's viewers and for
// `npx tsx bench/top-frames.ts`.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BenchProcess } from "./cluster.ts";
import { Inspector } from "./inspector.ts";

export interface ProfileOptions {
  /** Where time goes, or what is allocated. */
  readonly kind: "cpu" | "allocations";
  readonly folder: string;
}

const SAMPLE_US = 200;
const SAMPLE_BYTES = 2048;

export class Profiler {
  readonly #options: ProfileOptions;
  readonly #stem: string;
  readonly #inspectors: ReadonlyMap<string, Inspector>;
  #runs = 0;

  static async open(options: ProfileOptions, workload: string, processes: readonly BenchProcess[]): Promise<Profiler> {
    mkdirSync(options.folder, { recursive: true });
    const inspectors = new Map<string, Inspector>();
    for (const { name, inspector } of processes) if (inspector) inspectors.set(name, await Inspector.open(inspector));
    return new Profiler(options, workload, inspectors);
  }

  private constructor(options: ProfileOptions, stem: string, inspectors: ReadonlyMap<string, Inspector>) {
    this.#options = options;
    this.#stem = stem;
    this.#inspectors = inspectors;
  }

  async start(): Promise<void> {
    this.#runs++;
    await this.#each(async ({ call }) => {
      if (this.#options.kind === "cpu") {
        await call("Profiler.enable");
        await call("Profiler.setSamplingInterval", { interval: SAMPLE_US });
        await call("Profiler.start");
      } else {
        const all = { includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true };
        await call("HeapProfiler.startSampling", { samplingInterval: SAMPLE_BYTES, ...all });
      }
    });
  }

  async stop(): Promise<void> {
    const [method, ending] =
      this.#options.kind === "cpu" ? ["Profiler.stop", "cpuprofile"] : ["HeapProfiler.stopSampling", "heapprofile"];
    await this.#each(async ({ name, call }, process) => {
      const { profile } = await call(method);
      const file = `${[this.#stem, process, name, this.#runs].join("~")}.${ending}`;
      writeFileSync(join(this.#options.folder, file), JSON.stringify(profile));
    });
  }

  close(): void {
    for (const inspector of this.#inspectors.values()) inspector.close();
  }

  async #each(work: (thread: Inspector["threads"][number], process: string) => Promise<void>): Promise<void> {
    const all = [...this.#inspectors].flatMap(([process, { threads }]) =>
      threads.map((thread) => work(thread, process)),
    );
    await Promise.all(all);
  }
}
