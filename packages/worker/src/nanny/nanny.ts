// The parent of a worker process: it starts the worker, watches its memory, starts it again when it dies, and tells the
// scheduler at once how it died.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { SchedulerLink, Trust } from "@taskflock/protocol";
import { FlockError } from "@taskflock/protocol/words";
import type { Logger } from "pino";
import { removeAssetFolder } from "../functions/assets.ts";
import { publicEnvironment } from "../slot-program.ts";
import { defaultSpillDirectory, removeSpillFolder } from "../spill/spill-folder.ts";
import { residentBytes, shownBytes } from "./memory.ts";
import { NANNY_VARIABLE, type NannyToWorker, type WorkerToNanny } from "./messages.ts";

export interface NannyOptions {
  /** The worker's program, e.g. `process.execPath`; it calls `joinNanny()`. */
  readonly command: string;
  readonly args: readonly string[];
  /** Default: this process's, without tokens. */
  readonly env?: NodeJS.ProcessEnv;
  /** The worker is ended above 95 % of this, bytes; 0 is no limit. */
  readonly memoryLimitBytes: number;
  /** Where the worker makes its folder for results that are files. Default: as the worker's. */
  readonly spillDirectory?: string | null;
  readonly address: string;
  readonly trust?: Trust;
  /** May come later: the worker's process starts at once, and connects when its nanny has. */
  readonly token: string | Promise<string>;
  readonly name: string;
  readonly logger: Logger;
  /** How long the worker may take for its planned stop before it is killed, milliseconds. Default 35 s. */
  readonly stopDeadlineMs?: number;
  /** Deaths in a row, each within 10 s of its start, after which the nanny gives up. Default 5. */
  readonly maxQuickDeaths?: number;
}

export interface NannyExit {
  /** Null when the worker left by plan. */
  readonly error: FlockError | null;
}

export interface RunningNanny {
  /** Process id of the worker that runs now, or null between two. */
  readonly pid: number | null;
  /** Resolves when the worker has ended and is not to come back; never rejects. */
  readonly done: Promise<NannyExit>;
  /** Passes a planned stop on to the worker: it retires. */
  stop(reason: string): void;
  /** Kills the worker and ends. */
  close(): Promise<void>;
}

const KILL_SHARE = 0.95;
const WATCH_MS = 200;
const QUICK_DEATH_MS = 10_000;
const FIRST_BACKOFF_MS = 100;
const LAST_BACKOFF_MS = 10_000;
/** How long a worker that said it leaves may take to end. */
const LEAVING_MS = 2_000;
const RECONNECT_MS = 300_000;

/** Rejects coded when the scheduler cannot be reached or refuses the token. */
export async function startNanny(options: NannyOptions): Promise<RunningNanny> {
  const nanny = new Nanny(options);
  try {
    await nanny.connected;
  } catch (error) {
    await nanny.close();
    throw error;
  }
  return nanny;
}

/** Loads what a link needs while the worker's process starts. */
async function openLink(options: NannyOptions): Promise<Link> {
  const { PayloadStore, SchedulerLink } = await import("@taskflock/protocol/links");
  return SchedulerLink.open<"nanny", "toWorker">({
    address: options.address,
    trust: options.trust,
    token: await options.token,
    up: "nanny",
    down: "toWorker",
    hello: { role: "nanny", name: options.name },
    payloads: new PayloadStore(),
    reconnectMs: RECONNECT_MS,
    onMessages: () => undefined,
    onUp: () => undefined,
    onDown: () => undefined,
    onGone: (error) => options.logger.warn({ err: error }, "the nanny's link to the scheduler is lost"),
  });
}

type Link = SchedulerLink<"nanny", "toWorker">;

/** One life of the worker process. */
interface Life {
  readonly child: ChildProcess;
  readonly incarnation: string;
  readonly startedAt: number;
  /** The worker said that it leaves. */
  leaving: { readonly restart: boolean; readonly error: string | null } | null;
  /** Why the nanny killed it. */
  killedFor: string | null;
}

class Nanny implements RunningNanny {
  readonly done: Promise<NannyExit>;
  /** Resolves when the scheduler knows this nanny. */
  readonly connected: Promise<Link>;
  readonly #options: NannyOptions;
  #link: Link | null = null;
  #life: Life | null = null;
  #quickDeaths = 0;
  #stopping = false;
  #closed = false;
  /** The worker said that no life is to follow. */
  #last = false;
  /** No life follows. */
  #over = false;
  #watch: NodeJS.Timeout | null = null;
  #deadline: NodeJS.Timeout | null = null;
  #wakeUp: () => void = () => undefined;

  constructor(options: NannyOptions) {
    this.#options = options;
    this.connected = openLink(options);
    this.connected.then(
      (link) => {
        this.#link = link;
      },
      () => undefined, // startNanny tells
    );
    this.done = this.#run();
  }

  get pid(): number | null {
    return this.#life?.child.pid ?? null;
  }

  stop(reason: string): void {
    // One whose worker has left may be told, too, for the sake of others in this process, which its deadline would keep alive.
    if (this.#stopping || this.#over) return;
    this.#stopping = true;
    this.#wakeUp();
    this.#options.logger.info({ reason }, "the nanny passes a planned stop on to its worker");
    this.#life?.child.kill("SIGTERM");
    const ms = this.#options.stopDeadlineMs ?? 35_000;
    this.#deadline = setTimeout(() => this.#kill(`its planned stop took longer than ${ms} ms`), ms);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stopping = true;
    this.#wakeUp();
    this.#life?.child.kill("SIGKILL");
    await this.done;
  }

  /** Life after life, until one ends by plan. */
  async #run(): Promise<NannyExit> {
    let exit: NannyExit | null = null;
    while (exit === null) {
      const life = this.#start();
      const how = await endOf(life);
      this.#life = null;
      removeAssetFolder(life.incarnation); // for a worker that was killed
      removeSpillFolder(this.#options.spillDirectory ?? defaultSpillDirectory(), life.incarnation);
      exit = this.#judge(life, how);
      if (exit === null) await this.#pause();
    }
    this.#over = true;
    if (this.#watch !== null) clearTimeout(this.#watch);
    if (this.#deadline !== null) clearTimeout(this.#deadline);
    if (this.#link !== null) await this.#link.close();
    else void this.connected.then((link) => link.close()).catch(() => undefined); // it may still be on its way
    return exit;
  }

  #start(): Life {
    const { command, args, env } = this.#options;
    const child = spawn(command, [...args], {
      env: { ...publicEnvironment(env), [NANNY_VARIABLE]: "1" },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    const incarnation = crypto.randomUUID();
    const life: Life = { child, incarnation, startedAt: performance.now(), leaving: null, killedFor: null };
    this.#life = life;
    child.on("message", (message) => this.#receive(life, message as WorkerToNanny));
    this.#watchMemory(life);
    // A stop that came while no worker ran.
    if (this.#stopping) child.kill(this.#closed ? "SIGKILL" : "SIGTERM");
    return life;
  }

  #receive(life: Life, message: WorkerToNanny): void {
    if (message.t === "hello") {
      void this.#welcome(life);
      return;
    }
    if (message.t === "last") {
      this.#last = true;
      return;
    }
    life.leaving = message;
    // Native code can keep a process from ending; it has said all it had to say.
    setTimeout(() => life.child.kill("SIGKILL"), LEAVING_MS).unref();
  }

  /** Only what the scheduler knows of may join it: this nanny reports its end. */
  async #welcome({ child, incarnation }: Life): Promise<void> {
    try {
      await this.connected;
    } catch {
      return; // startNanny ends the child
    }
    const answer: NannyToWorker = { t: "welcome", token: await this.#options.token, incarnation };
    if (child.connected) child.send(answer, () => undefined);
  }

  /** Null: another life follows. */
  #judge(life: Life, how: Ended): NannyExit | null {
    const { logger } = this.#options;
    const restart = life.leaving?.restart === true && !this.#stopping && !this.#last;
    if (!restart && (life.leaving !== null || (how.clean && life.killedFor === null))) {
      logger.info({ pid: life.child.pid, how: how.text }, "the worker left");
      const error = life.leaving?.error ?? null;
      return { error: error === null ? null : new FlockError("FLOCK_CLUSTER_START", `The worker ended: ${error}`) };
    }
    const asked = restart && life.leaving?.error === null;
    const text = restart ? "it asked to be started again" : (life.killedFor ?? how.text);
    this.#link?.send({ t: "exited", incarnation: life.incarnation, how: text });
    this.#link?.flush();
    if (asked) {
      logger.info({ pid: life.child.pid }, "the worker is started again, as it asked");
      return null;
    }
    if (!this.#closed) logger.warn({ pid: life.child.pid, how: text }, "the worker died");
    // SIGTERM ends a worker that had not begun to listen for it, and so held nothing.
    if (this.#stopping || this.#last) return { error: this.#closed || text === "SIGTERM" ? null : died(text) };
    const quick = performance.now() - life.startedAt < QUICK_DEATH_MS;
    this.#quickDeaths = quick ? this.#quickDeaths + 1 : 0;
    return this.#quickDeaths >= (this.#options.maxQuickDeaths ?? 5) ? { error: died(text, this.#quickDeaths) } : null;
  }

  /** A worker that dies once is missed: the next one starts at once. One that dies again and again has time. */
  async #pause(): Promise<void> {
    if (this.#quickDeaths <= 1) return;
    const ms = Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (this.#quickDeaths - 2));
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #watchMemory(life: Life): void {
    const { memoryLimitBytes } = this.#options;
    const { pid } = life.child;
    if (memoryLimitBytes <= 0 || pid === undefined) return;
    const look = async (): Promise<void> => {
      const bytes = await residentBytes(pid);
      if (this.#life !== life || bytes === null) return;
      if (bytes > memoryLimitBytes * KILL_SHARE) {
        this.#kill(`above its memory limit (${shownBytes(bytes)} of ${shownBytes(memoryLimitBytes)})`);
        return;
      }
      this.#watch = setTimeout(look, WATCH_MS);
    };
    this.#watch = setTimeout(look, WATCH_MS);
  }

  #kill(why: string): void {
    if (this.#life === null) return;
    this.#life.killedFor ??= why;
    this.#life.child.kill("SIGKILL");
  }
}

interface Ended {
  /** Exit code 0. */
  readonly clean: boolean;
  readonly text: string;
}

async function endOf({ child }: Life): Promise<Ended> {
  try {
    const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    return { clean: code === 0, text: signal ?? `exit code ${code}` };
  } catch (error) {
    // The program could not be started at all.
    return { clean: false, text: error instanceof Error ? error.message : String(error) };
  }
}

function died(how: string, times = 1): FlockError {
  const often = times === 1 ? "died" : `died ${times} times in a row soon after its start; the last time it ended with`;
  return new FlockError("FLOCK_CLUSTER_START", `The worker ${often} (${how}). See its output above.`);
}
