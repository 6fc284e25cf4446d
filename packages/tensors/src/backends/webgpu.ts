// WebGPU outside of a browser: Dawn, as the package `webgpu` brings it, under TensorFlow.js's backend for browsers.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { findPackage, importFile, versionOf } from "../packages.ts";
import { mendWebGpuKernels } from "../webgpu-kernels.ts";
import { type Attempt, onlyInProcesses, type Ready, type Refusal, useBackend } from "./attempt.ts";

const backendName = "@tensorflow/tfjs-backend-webgpu";

interface AdapterInfo {
  readonly vendor?: string;
  readonly architecture?: string;
  readonly device?: string;
  readonly description?: string;
  readonly isFallbackAdapter?: boolean;
}

interface Gpu {
  requestAdapter(options: object): Promise<{ readonly info?: AdapterInfo } | null>;
}

interface Dawn {
  create(options: readonly string[]): Gpu;
  readonly globals: object;
}

/** Engines that have it already: they come back to it after another backend. */
const started: WeakMap<object, Ready> = new WeakMap();

export const tryWebGpu: Attempt = async ({ tf, mainThread, forced }) => {
  if (!mainThread) return { why: onlyInProcesses };
  const before = started.get(tf.engine());
  if (before !== undefined) {
    const why = await useBackend(tf, "webgpu");
    return why === null ? before : { why };
  }
  const files = findPackages();
  if ("why" in files) return files;
  // Where a worker gives its GPUs to tasks that ask for some, other tasks leave them alone; Vulkan does not know of the variable.
  if (!forced && ["", "-1"].includes(process.env["CUDA_VISIBLE_DEVICES"] ?? "all"))
    return { why: "CUDA_VISIBLE_DEVICES hides all GPUs" };
  // Dawn would print that it is missing.
  if (!forced && process.platform === "linux" && !hasVulkan())
    return { why: "there is no Vulkan here (libvulkan.so.1), which comes with a GPU's driver" };
  const dawn = (await importFile(files.dawn)) as Dawn;
  const gpu = dawn.create([]);
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null)
    return {
      why: "there is no GPU that it can use: it needs a driver for Vulkan, Metal or Direct3D 12 (see vulkaninfo)",
    };
  const info = adapter.info ?? {};
  if (isSoftware(info) && !forced)
    return { why: `its only adapter is ${nameOf(info)}, which computes on the CPU, slower than wasm does` };
  const takeBack = pretendBrowser(dawn.globals, gpu);
  // It registers itself only where it sees a GPU, so it is loaded last.
  await importFile(files.backend);
  const why = await useBackend(tf, "webgpu");
  if (why !== null) {
    takeBack();
    return { why };
  }
  mendWebGpuKernels(tf);
  const versions = { "tfjs-backend-webgpu": versionOf(files.backend), webgpu: versionOf(files.dawn) };
  const ready = { versions, device: nameOf(info) };
  started.set(tf.engine(), ready);
  return ready;
};

/** Where distributions put it, and where the environment says. */
function hasVulkan(): boolean {
  const machine = process.arch === "arm64" ? "aarch64" : "x86_64";
  const folders = [
    `/usr/lib/${machine}-linux-gnu`,
    "/usr/lib64",
    "/usr/lib",
    "/usr/local/lib",
    "/run/opengl-driver/lib",
  ];
  const named = process.env["LD_LIBRARY_PATH"]?.split(":").filter(Boolean) ?? [];
  return [...named, ...folders].some((folder) => existsSync(join(folder, "libvulkan.so.1")));
}

function findPackages(): { dawn: string; backend: string } | Refusal {
  const dawn = findPackage("webgpu");
  const backend = findPackage(backendName);
  if (dawn !== null && backend !== null) return { dawn, backend };
  const missing = [...(dawn === null ? ["webgpu"] : []), ...(backend === null ? [backendName] : [])];
  const are = missing.length > 1 ? "are" : "is";
  return { why: `${missing.join(" and ")} ${are} not installed: npm install ${missing.join(" ")}` };
}

function nameOf({ description, device, vendor, architecture }: AdapterInfo): string {
  const words = [description, device, [vendor, architecture].filter(Boolean).join(" ")];
  return words.find((text) => text !== undefined && text !== "") ?? "an adapter without a name";
}

/** Adapters that are programs: Mesa's, Chrome's and Microsoft's. */
function isSoftware(info: AdapterInfo): boolean {
  if (info.isFallbackAdapter === true) return true;
  return /llvmpipe|lavapipe|swiftshader|basic render|software/i.test(Object.values(textsOf(info)).join(" "));
}

function textsOf({ vendor, architecture, device, description }: AdapterInfo): (string | undefined)[] {
  return [vendor, architecture, device, description];
}

/** The backend looks for WebGPU where a browser has it. Returns what takes it away again. */
function pretendBrowser(globals: object, gpu: Gpu): () => void {
  Object.assign(globalThis, globals);
  const browser = globalThis as unknown as { navigator?: { gpu?: Gpu } };
  // Node 20 has no navigator.
  if (browser.navigator === undefined)
    Object.defineProperty(browser, "navigator", { value: {}, configurable: true, writable: true });
  const navigator = browser.navigator as { gpu?: Gpu };
  Object.defineProperty(navigator, "gpu", { value: gpu, configurable: true });
  return () => {
    delete navigator.gpu;
  };
}
