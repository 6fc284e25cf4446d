// One workload on one fresh cluster: run after run, with what each process spent while it was measured.

import { ClientProcess } from "./client-process.ts";
import { type BenchCluster, type BenchProcess, startCluster } from "./cluster.ts";
import { Inspector } from "./inspector.ts";
import { short } from "./measure.ts";
import { cpuUsOf, peakBytesOf, residentBytesOf } from "./process-figures.ts";
import { type ProfileOptions, Profiler } from "./profiler.ts";
import type { Figures, Question } from "./workload.ts";

export interface SessionOptions {
  readonly profile: ProfileOptions | null;
  /** The workload asks for the scheduler's memory. */
  readonly memory: boolean;
}

export type Role = "client" | "scheduler" | "workers";

export class Session {
  readonly #cluster: BenchCluster;
  readonly #client: ClientProcess;
  readonly #processes: readonly BenchProcess[];
  readonly #profiler: Profiler | null;
  /** CPU of each role, µs per task, one entry for each measured part. */
  readonly cpuUsPerTask: Readonly<Record<Role, number>>[] = [];
  #tasks = 0;
  #before: Readonly<Record<Role, number>> | null = null;

  static async open(workload: string, { profile, memory }: SessionOptions): Promise<Session> {
    const inspect = profile !== null ? "all" : memory ? "scheduler" : "nobody";
    const cluster = await startCluster({ inspect });
    let client: ClientProcess | null = null;
    try {
      let session: Session | null = null;
      client = await ClientProcess.start(inspect === "all", (question) => session!.#answer(question));
      await client.prepare(workload, cluster.address);
      const own = { name: "client", pid: client.pid, inspector: await client.inspector };
      const processes = [own, ...cluster.processes];
      const profiler = profile === null ? null : await Profiler.open(profile, workload, processes);
      session = new Session(cluster, client, processes, profiler);
      return session;
    } catch (error) {
      await client?.close();
      await cluster.stop();
      throw error;
    }
  }

  private constructor(
    cluster: BenchCluster,
    client: ClientProcess,
    processes: readonly BenchProcess[],
    profiler: Profiler | null,
  ) {
    this.#cluster = cluster;
    this.#client = client;
    this.#processes = processes;
    this.#profiler = profiler;
  }

  get cluster(): BenchCluster {
    return this.#cluster;
  }

  once(): Promise<Figures> {
    return this.#client.once();
  }

  /** Largest resident memory of each process, MB. */
  peakMb(): Record<string, number> {
    const peaks = this.#processes.map(({ name, pid }) => [name, short(peakBytesOf(pid) / 1e6)] as const);
    return Object.fromEntries(peaks.filter(([, peak]) => !Number.isNaN(peak)));
  }

  async close(): Promise<void> {
    this.#profiler?.close();
    await this.#client.close();
    await this.#cluster.stop();
  }

  async #answer(question: Question): Promise<number> {
    switch (question.q) {
      case "begin":
        this.#tasks = question.tasks;
        await this.#profiler?.start();
        this.#before = this.#cpu();
        return 0;
      case "end":
        this.#spent(this.#cpu());
        await this.#profiler?.stop();
        return 0;
      case "schedulerResidentBytes":
        return residentBytesOf(this.#scheduler.pid);
      case "schedulerBytesInUse": {
        const inspector = await Inspector.open(this.#scheduler.inspector ?? "");
        const bytes = await inspector.bytesInUse();
        inspector.close();
        return bytes;
      }
    }
  }

  get #scheduler(): BenchProcess {
    return this.#processes.find(({ name }) => name === "scheduler")!;
  }

  #cpu(): Record<Role, number> {
    const sum = { client: 0, scheduler: 0, workers: 0 };
    for (const { name, pid } of this.#processes) {
      sum[name === "client" || name === "scheduler" ? name : "workers"] += cpuUsOf(pid);
    }
    return sum;
  }

  #spent(after: Readonly<Record<Role, number>>): void {
    const before = this.#before;
    if (before === null) return;
    const perTask = (role: Role): number => (after[role] - before[role]) / this.#tasks;
    this.cpuUsPerTask.push({
      client: perTask("client"),
      scheduler: perTask("scheduler"),
      workers: perTask("workers"),
    });
  }
}
