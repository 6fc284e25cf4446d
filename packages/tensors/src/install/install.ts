// `taskflock tensorflow install`: checks, builds in a folder beside, verifies, and only then takes the new one into use.
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { FlockError } from "@taskflock/protocol/words";
import { checkEquipment, checkMachine, type Equipment, thisMachine } from "./checks.ts";
import { fill } from "./fill.ts";
import { folderOf, tensorflowHome } from "./home.ts";
import { installedModule, type NativeModule } from "./installed.ts";
import { takeLock } from "./lock.ts";
import type { Plan } from "./plan.ts";
import { type Step, Steps } from "./steps.ts";
import { type Verified, verify } from "./verify.ts";

export interface InstallOptions {
  /** For GPUs of NVIDIA; default: for the processor. */
  readonly gpu?: boolean;
  /** Default: TASKFLOCK_TENSORFLOW_HOME, or the folder in the user's data. */
  readonly into?: string;
  /** The Python that has pip; default: `python3` or `python` of the path. */
  readonly python?: string;
  /** A version of TensorFlow; default: the newest that pip offers. */
  readonly tensorflow?: string;
  /** Builds anew what is there already. */
  readonly force?: boolean;
  /** Ends it, and undoes what it did. */
  readonly signal?: AbortSignal;
  /** Environment of the programs that it runs; default: this process's. */
  readonly env?: NodeJS.ProcessEnv;
  /** Told of each step when it begins, and when it has ended. */
  readonly onStep?: (step: Step) => void;
}

export interface Installation {
  readonly folder: string;
  readonly versions: Readonly<Record<string, string>>;
  /** It was there before. */
  readonly alreadyThere: boolean;
  /** Whether it computed on a GPU when it was verified. */
  readonly onGpu: boolean;
}

/**
 * Puts a native TensorFlow.js into the folder, or verifies the one that is there. When it fails, or is ended, the folder is as it was.
 * @throws FLOCK_TENSORFLOW_UNSUPPORTED when there is none for such a machine
 * @throws FLOCK_TENSORFLOW_NEEDS when a program or disk is missing
 * @throws FLOCK_TENSORFLOW_DOWNLOAD when pip or npm could not download
 * @throws FLOCK_TENSORFLOW_INSTALL when it could not be built, or does not compute
 */
export async function installTensorFlow(options: InstallOptions = {}): Promise<Installation> {
  const { gpu = false, python = null, tensorflow = null, signal, env = process.env } = options;
  const home = resolve(options.into ?? tensorflowHome(env));
  const plan: Plan = { gpu, home, python, tensorflow, env, signal };
  const steps = new Steps(options.onStep);
  checkMachine(thisMachine(), gpu);
  const before = options.force === true ? null : await whatIsThere(plan, steps);
  if (before !== null) return before;
  const equipment = await steps.run("what it needs", async () => {
    const found = await checkEquipment(plan);
    return [found, found.found.join(", ")];
  });
  const lock = await takeLock(equipment.python, home, signal, () =>
    steps.say("another installation is under way in this folder: waiting for it"),
  );
  try {
    const meanwhile = lock.waited ? await whatIsThere(plan, steps) : null;
    return meanwhile ?? (await build(plan, equipment, steps));
  } finally {
    await lock.free();
  }
}

/** The one that is there, when it is what was asked for and works. */
async function whatIsThere(plan: Plan, steps: Steps): Promise<Installation | null> {
  const native = installedModule(plan.home, plan.gpu);
  if ("why" in native) return null;
  const { versions } = native;
  if (plan.tensorflow !== null && versions["tensorflow"] !== plan.tensorflow) return null;
  try {
    const { gpu } = await verified(plan, native, steps);
    return { folder: folderOf(plan.home, plan.gpu), versions, alreadyThere: true, onGpu: gpu };
  } catch (error) {
    plan.signal?.throwIfAborted();
    steps.say(`the one that is there is built anew: ${(error as Error).message}`);
    return null;
  }
}

async function build(plan: Plan, equipment: Equipment, steps: Steps): Promise<Installation> {
  removeLeftovers(plan.home);
  const place = join(plan.home, `${newPrefix}${randomBytes(4).toString("hex")}`);
  const made = folderOf(place, plan.gpu);
  const scratch = join(place, "scratch");
  try {
    for (const folder of [made, scratch]) mkdirSync(folder, { recursive: true });
    // pip, npm and the compiler put their own files here, too: /tmp may be small, and this is removed in any case.
    const inside = { ...plan, env: { ...plan.env, TMPDIR: scratch } };
    await fill(inside, equipment, made, scratch, steps);
    const native = installedModule(place, plan.gpu);
    if ("why" in native) throw new FlockError("FLOCK_TENSORFLOW_INSTALL", native.why);
    const { gpu } = await verified(plan, native, steps);
    const folder = folderOf(plan.home, plan.gpu);
    replace(folder, made, join(place, "before"));
    return { folder, versions: native.versions, alreadyThere: false, onGpu: gpu };
  } finally {
    rmSync(place, { recursive: true, force: true, maxRetries: 5 });
    // With the lock still held, so that nobody has just begun in it.
    if (readdirSync(plan.home).length === 0) rmdirSync(plan.home);
  }
}

function verified(plan: Plan, native: NativeModule, steps: Steps): Promise<Verified> {
  return steps.run("a matrix product and a gradient step", async () => {
    const result = await verify(native, plan);
    return [result, `right, by TensorFlow ${result.tensorflow} on the ${result.gpu ? "GPU" : "processor"}`];
  });
}

/** Programs that have the old one open keep it. */
function replace(folder: string, made: string, before: string): void {
  const had = existsSync(folder);
  if (had) renameSync(folder, before);
  try {
    renameSync(made, folder);
  } catch (error) {
    if (had) renameSync(before, folder);
    throw error;
  }
}

const newPrefix = ".new-";

/** Of installations that were killed: whoever holds the lock is the only one that builds. */
function removeLeftovers(home: string): void {
  for (const name of readdirSync(home))
    if (name.startsWith(newPrefix)) rmSync(join(home, name), { recursive: true, force: true, maxRetries: 5 });
}
