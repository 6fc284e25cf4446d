// Fills a new folder with all that a native TensorFlow.js is made of.
import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { FlockError } from "@taskflock/protocol/words";
import { buildBinding, findHeaders } from "./build.ts";
import type { Equipment } from "./checks.ts";
import { addCudaLibraries, buildPreload, librariesInOrder, requirementsOf } from "./cuda.ts";
import { packageName, writeRecord } from "./home.ts";
import { installPackages } from "./package.ts";
import { bindingVersion, type Plan, requirement } from "./plan.ts";
import type { Steps } from "./steps.ts";
import { downloadWheels, extract, headerPattern, libraryPattern, wheelVersion } from "./wheel.ts";

/** Works in `folder`, with a folder for what is not kept. Libraries stay under the paths that they have beside Python, as they look for each other there. */
export async function fill(
  plan: Plan,
  equipment: Equipment,
  folder: string,
  scratch: string,
  steps: Steps,
): Promise<void> {
  const tensorflow = await addTensorFlow(plan, equipment, folder, scratch, steps);
  const name = packageName(plan.gpu);
  await steps.run(`${name} by npm`, async () => {
    await installPackages(plan, equipment, folder, { [name]: bindingVersion });
    return [null, bindingVersion];
  });
  const { main, preload } = await steps.run("the binding, compiled", async () => {
    const nodeHeaders = await findHeaders(plan, equipment, join(scratch, "headers"));
    const tensorflowHeaders = join(scratch, "tensorflow/include");
    const parts = { folder, nodeHeaders, tensorflowHeaders };
    const built = {
      main: await buildBinding(plan, equipment, parts),
      preload: plan.gpu ? await buildPreload(plan, equipment, folder, nodeHeaders) : null,
    };
    return [built, ""];
  });
  writeRecord(folder, {
    format: 1,
    platform: process.platform,
    arch: process.arch,
    gpu: plan.gpu,
    main,
    versions: { [name.slice("@tensorflow/".length)]: bindingVersion, tensorflow },
    preload,
    libraries: librariesInOrder(folder),
  });
}

/** Its version. */
async function addTensorFlow(
  plan: Plan,
  equipment: Equipment,
  folder: string,
  scratch: string,
  steps: Steps,
): Promise<string> {
  const wanted = requirement(plan);
  const wheel = await steps.run(`${wanted} by pip`, async () => {
    const downloads = join(scratch, "wheels");
    mkdirSync(downloads);
    const [file] = await downloadWheels(plan, equipment, [wanted], downloads);
    if (file === undefined) throw new FlockError("FLOCK_TENSORFLOW_DOWNLOAD", `pip left no file for ${wanted}`);
    return [file, `${wheelVersion(file)}, ${Math.round(statSync(file).size / 1e6)} MB`];
  });
  const site = join(folder, "site-packages");
  await steps.run("its C library", async () => {
    await extract(plan, equipment, wheel, site, libraryPattern);
    await extract(plan, equipment, wheel, scratch, headerPattern);
    return [null, librariesOf(site, wheel).join(", ")];
  });
  const cuda = plan.gpu ? await requirementsOf(plan, equipment, wheel, join(scratch, "metadata")) : [];
  rmSync(wheel);
  if (cuda.length > 0)
    await steps.run("CUDA's libraries by pip", async () => {
      await addCudaLibraries(plan, equipment, cuda, folder, scratch);
      return [null, cuda.map((name) => name.replace(/[<>=!~].*/, "")).join(", ")];
    });
  return wheelVersion(wheel);
}

function librariesOf(site: string, wheel: string): string[] {
  try {
    return readdirSync(join(site, "tensorflow"));
  } catch (error) {
    const why = `${wheel} has no libtensorflow_cc.so: this version of TensorFlow ships its C library in another way`;
    throw new FlockError("FLOCK_TENSORFLOW_INSTALL", `${why}; give an older one by --tensorflow`, { cause: error });
  }
}
