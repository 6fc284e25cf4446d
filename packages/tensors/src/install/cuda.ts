// CUDA's libraries for GPUs: NVIDIA's wheels, as TensorFlow's wheel names them, and what opens them.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { FlockError } from "@taskflock/protocol/words";
import { compile } from "./build.ts";
import type { Equipment } from "./checks.ts";
import type { Plan } from "./plan.ts";
import { downloadWheels, extract, metadataPattern } from "./wheel.ts";

/**
 * What `pip install tensorflow[and-cuda]` would add, for pip. NVIDIA's compiler is left out: TensorFlow uses it for XLA alone, which
 * TensorFlow.js does not have.
 */
export function nvidiaRequirements(metadata: string): string[] {
  return metadata
    .split("\n")
    .map((line) => /^Requires-Dist:\s*(nvidia-[^;]+?)\s*;.*\bextra == ["']and-cuda["']/.exec(line)?.[1])
    .filter((found) => found !== undefined && !found.includes("nvcc"))
    .map((found) => (found as string).replace(/[()\s]/g, ""));
}

/** The requirements of a wheel, which it is unpacked for. */
export async function requirementsOf(
  plan: Plan,
  equipment: Equipment,
  wheel: string,
  scratch: string,
): Promise<string[]> {
  await extract(plan, equipment, wheel, scratch, metadataPattern);
  const info = readdirSync(scratch).find((name) => name.endsWith(".dist-info"));
  const found = info === undefined ? [] : nvidiaRequirements(readFileSync(join(scratch, info, "METADATA"), "utf8"));
  if (found.length > 0) return found;
  throw new FlockError(
    "FLOCK_TENSORFLOW_INSTALL",
    `${wheel} names no CUDA libraries: it is of a TensorFlow without GPUs. See which index pip uses, or give --tensorflow`,
  );
}

/** Downloads and unpacks one wheel after the other, so that never all of them lie there twice. */
export async function addCudaLibraries(
  plan: Plan,
  equipment: Equipment,
  requirements: readonly string[],
  folder: string,
  scratch: string,
): Promise<void> {
  for (const requirement of requirements) {
    const downloads = join(scratch, "nvidia");
    mkdirSync(downloads, { recursive: true });
    for (const wheel of await downloadWheels(plan, equipment, [requirement], downloads))
      await extract(plan, equipment, wheel, join(folder, "site-packages"), "^nvidia/[^/]+/lib/[^/]+\\.so[^/]*$");
    rmSync(downloads, { recursive: true });
  }
}

/** What TensorFlow asks for by name, each after what it stands on itself. */
const order = [
  ...["libnvJitLink", "libcudart", "libnvrtc", "libcublasLt", "libcublas", "libcufft", "libcurand"],
  ...["libcusparse", "libcusolver", "libcudnn", "libnccl", "libnvshmem_host", "libcupti"],
];

/** The libraries to open before TensorFlow, in this order, relative to the folder. */
export function librariesInOrder(folder: string): string[] {
  const nvidia = join(folder, "site-packages/nvidia");
  if (!existsSync(nvidia)) return [];
  const files = readdirSync(nvidia, { recursive: true, encoding: "utf8" });
  const named = (stem: string): string[] => files.filter((path) => path.split("/").at(-1)?.startsWith(`${stem}.so`));
  return order.flatMap(named).map((path) => relative(folder, join(nvidia, path)));
}

/**
 * Opens a shared library and keeps it open. TensorFlow opens CUDA's by name alone; the system's loader then gives it one of that
 * name that is open already, wherever it lies. The other way, LD_LIBRARY_PATH, is read only when a process starts.
 */
const preloadSource = `#include <dlfcn.h>
#include <node_api.h>

static napi_value Open(napi_env env, napi_callback_info info) {
  size_t count = 1, length = 0;
  napi_value path, result;
  char text[4096];
  napi_get_cb_info(env, info, &count, &path, nullptr, nullptr);
  if (napi_get_value_string_utf8(env, path, text, sizeof text, &length) != napi_ok) {
    napi_throw_type_error(env, nullptr, "a path is needed");
    return nullptr;
  }
  if (dlopen(text, RTLD_NOW | RTLD_LOCAL) != nullptr) napi_get_null(env, &result);
  else napi_create_string_utf8(env, dlerror(), NAPI_AUTO_LENGTH, &result);
  return result;
}

static napi_value Init(napi_env env, napi_value exports) {
  napi_value open;
  napi_create_function(env, "open", NAPI_AUTO_LENGTH, Open, nullptr, &open);
  napi_set_named_property(env, exports, "open", open);
  return exports;
}

NAPI_MODULE(preload, Init)
`;

/** Makes what opens the libraries; its path, relative to the folder. */
export async function buildPreload(
  plan: Plan,
  equipment: Equipment,
  folder: string,
  nodeHeaders: string,
): Promise<string> {
  const source = join(folder, "preload.cc");
  writeFileSync(source, preloadSource);
  const output = "preload.node";
  await compile(plan, equipment, join(folder, output), [`-I${nodeHeaders}`, source, "-ldl"]);
  return output;
}
