import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { isFlockError } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { compile, findHeaders } from "../../src/install/build.ts";
import {
  addCudaLibraries,
  buildPreload,
  librariesInOrder,
  nvidiaRequirements,
  requirementsOf,
} from "../../src/install/cuda.ts";
import { equipment, hasCompiler, hasPython, newFolder, onlyFrom, planFor, writeFiles, writeWheel } from "./stage.ts";

/** As in the wheels of TensorFlow 2.21 and of 2.17. */
const metadata = `Metadata-Version: 2.1
Name: tensorflow
Version: 2.99.0
Requires-Dist: numpy>=1.26.0
Requires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"
Requires-Dist: nvidia-cuda-nvcc-cu12<13.0,>=12.5.82; extra == "and-cuda"
Requires-Dist: nvidia-nccl-cu12 (==2.21.5) ; extra == 'and-cuda'
Requires-Dist: nvidia-other; extra == "other"
`;

describe("CUDA's libraries", () => {
  it("are those that TensorFlow's wheel names for its extra", () => {
    expect(nvidiaRequirements(metadata)).toEqual(["nvidia-cublas-cu12<13.0,>=12.5.3.2", "nvidia-nccl-cu12==2.21.5"]);
  });

  it("are opened each after what it stands on, and only those that TensorFlow asks for", () => {
    const folder = newFolder();
    const files = ["cublas/lib/libcublas.so.12", "cublas/lib/libnvblas.so.12", "cublas/lib/libcublasLt.so.12"];
    const more = ["cudnn/lib/libcudnn_ops.so.9", "cudnn/lib/libcudnn.so.9", "cuda_runtime/lib/libcudart.so.12"];
    writeFiles(join(folder, "site-packages/nvidia"), Object.fromEntries([...files, ...more].map((name) => [name, ""])));
    expect(librariesInOrder(folder).map((path) => path.split("/").at(-1))).toEqual([
      "libcudart.so.12",
      "libcublasLt.so.12",
      "libcublas.so.12",
      "libcudnn.so.9",
    ]);
    expect(librariesInOrder(newFolder())).toEqual([]);
  });

  it.skipIf(!hasPython)("come out of NVIDIA's wheels, which are gone afterwards", async () => {
    const [index, folder, scratch] = [newFolder(), newFolder(), newFolder()];
    const one = metadata.replace(/^.*nccl.*\n/m, "");
    const info = { "tensorflow-2.99.0.dist-info/METADATA": one };
    const wheel = writeWheel(newFolder(), "tensorflow-2.99.0-py3-none-any.whl", info);
    writeWheel(index, "nvidia_cublas_cu12-12.6.0-py3-none-any.whl", {
      "nvidia/cublas/lib/libcublas.so.12": "",
      "nvidia/cublas/include/cublas.h": "",
    });
    const plan = planFor(folder, { gpu: true, env: onlyFrom(index) });
    const requirements = await requirementsOf(plan, equipment, wheel, join(scratch, "metadata"));
    await addCudaLibraries(plan, equipment, requirements, folder, scratch);
    expect(readdirSync(join(folder, "site-packages/nvidia/cublas"))).toEqual(["lib"]);
    expect(librariesInOrder(folder)).toEqual(["site-packages/nvidia/cublas/lib/libcublas.so.12"]);
    expect(existsSync(join(scratch, "nvidia"))).toBe(false);
  });

  it.skipIf(!hasPython)("are missing in a wheel without GPUs, which is said", async () => {
    const wheel = writeWheel(newFolder(), "tensorflow-2.99.0-py3-none-any.whl", {});
    const asked = requirementsOf(planFor(newFolder(), { gpu: true }), equipment, wheel, newFolder());
    await expect(asked).rejects.toThrow("names no CUDA libraries");
  });

  it.skipIf(!hasCompiler)("are found by name once they are open, as TensorFlow asks for them", async ({ skip }) => {
    const folder = newFolder();
    const plan = planFor(folder);
    writeFiles(folder, { "one.cc": 'extern "C" int one() { return 1; }' });
    const library = join(folder, "lib/libtaskflockone.so.7");
    await compile(plan, equipment, library, [join(folder, "one.cc"), "-Wl,-soname,libtaskflockone.so.7"]);
    const headers = await findHeaders(plan, equipment, join(folder, "headers")).catch((error: unknown) => {
      if (isFlockError(error, "FLOCK_TENSORFLOW_DOWNLOAD")) skip("no headers beside Node, and no registry");
      throw error;
    });
    const { open } = createRequire(import.meta.url)(join(folder, await buildPreload(plan, equipment, folder, headers)));
    expect(open("libtaskflockone.so.7")).toContain("libtaskflockone.so.7"); // says that it cannot be opened
    expect(open(library)).toBeNull();
    expect(open("libtaskflockone.so.7")).toBeNull();
    expect(() => open(7)).toThrow("a path is needed");
  });
});
