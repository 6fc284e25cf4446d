import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bytesNeeded, requirement } from "../../src/install/plan.ts";
import { downloadWheels, extract, headerPattern, libraryPattern, wheelVersion } from "../../src/install/wheel.ts";
import { equipment, hasPython, newFolder, onlyFrom, planFor, writeWheel } from "./stage.ts";

describe("what pip is asked for", () => {
  it("is the wheel for the processor, or the one with CUDA, of a version when one is given", () => {
    expect(requirement(planFor("/x"), "x64")).toBe("tensorflow-cpu>=2.16,<3");
    expect(requirement(planFor("/x"), "arm64")).toBe("tensorflow>=2.16,<3");
    expect(requirement(planFor("/x", { gpu: true, tensorflow: "2.20.0" }), "x64")).toBe("tensorflow==2.20.0");
    expect(bytesNeeded(planFor("/x", { gpu: true }))).toBeGreaterThan(bytesNeeded(planFor("/x")));
  });
});

describe.skipIf(!hasPython)("wheels by pip", () => {
  it("are downloaded without what they depend on", async () => {
    const index = newFolder();
    const metadata =
      "Metadata-Version: 2.1\nName: tensorflow_cpu\nVersion: 2.99.0\nRequires-Dist: nowhere-to-be-found\n";
    const name = "tensorflow_cpu-2.99.0-py3-none-any.whl";
    writeWheel(index, name, { "tensorflow_cpu-2.99.0.dist-info/METADATA": metadata });
    const plan = planFor(newFolder(), { env: onlyFrom(index) });
    const folder = newFolder();
    const files = await downloadWheels(plan, equipment, [requirement(plan, "x64")], folder);
    expect(files).toEqual([join(folder, name)]);
    expect(wheelVersion(files[0] ?? "")).toBe("2.99.0");
  });

  it("of another Python do, since the library in them is the same", async () => {
    const index = newFolder();
    const arch = process.arch === "arm64" ? "aarch64" : "x86_64";
    writeWheel(index, `tensorflow_cpu-2.98.0-cp312-cp312-manylinux_2_27_${arch}.whl`, {});
    // No Python before 3.12 takes that one itself; a Python 3.12 takes it at once.
    const plan = planFor(newFolder(), { env: onlyFrom(index) });
    const files = await downloadWheels(plan, equipment, [requirement(plan, "x64")], newFolder());
    expect(files.map(wheelVersion)).toEqual(["2.98.0"]);
  });

  it("that are not to be had are an error that has what pip said, and how it was asked", async () => {
    const plan = planFor(newFolder(), { env: onlyFrom(newFolder()) });
    const error = await downloadWheels(plan, equipment, ["tensorflow-cpu>=2.16,<3"], newFolder()).catch(
      (thrown: Error) => thrown,
    );
    expect(error).toMatchObject({ code: "FLOCK_TENSORFLOW_DOWNLOAD" });
    expect((error as Error).message).toContain("No matching distribution found");
    expect((error as Error).message).toContain("pip download --no-deps 'tensorflow-cpu>=2.16,<3'");
  });

  it("give what is needed of them, and no more", async () => {
    const wheel = writeWheel(newFolder(), "tensorflow_cpu-2.99.0-py3-none-any.whl", {
      "tensorflow/libtensorflow_cc.so.2": "cc",
      "tensorflow/libtensorflow_framework.so.2": "framework",
      "tensorflow/python/other.so.2": "other",
      "tensorflow/include/tensorflow/c/c_api.h": "c",
      "tensorflow/include/xla/tsl/c/tsl_status.h": "tsl",
      "tensorflow/include/Eigen/Core.h": "eigen",
    });
    const folder = newFolder();
    const plan = planFor(newFolder());
    await extract(plan, equipment, wheel, folder, libraryPattern);
    expect(readdirSync(join(folder, "tensorflow"))).toEqual(["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"]);
    await extract(plan, equipment, wheel, folder, headerPattern);
    expect(readFileSync(join(folder, "tensorflow/include/xla/tsl/c/tsl_status.h"), "utf8")).toBe("tsl");
    expect(existsSync(join(folder, "tensorflow/include/Eigen"))).toBe(false);
  });

  it("that are damaged are an error", async () => {
    const folder = newFolder();
    mkdirSync(join(folder, "x.whl"));
    const unpacked = extract(planFor(folder), equipment, join(folder, "x.whl"), folder, ".");
    await expect(unpacked).rejects.toMatchObject({ code: "FLOCK_TENSORFLOW_INSTALL" });
  });
});
