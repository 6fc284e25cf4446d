import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkEquipment, checkMachine, cpuFlags, thisMachine } from "../../src/install/checks.ts";
import { hasCompiler, hasPython, newFolder, planFor } from "./stage.ts";

const linux = { platform: "linux", arch: "x64", glibc: "2.36", cpuFlags: ["sse", "avx"] };
const unsupported = { code: "FLOCK_TENSORFLOW_UNSUPPORTED" };

describe("machines that TensorFlow's libraries are for", () => {
  it("takes Linux with glibc, on x64 with AVX and on arm64", () => {
    checkMachine(linux, true);
    checkMachine({ ...linux, cpuFlags: [] }, false); // not known
    checkMachine({ ...linux, arch: "arm64", cpuFlags: ["fp", "asimd"] }, false);
  });

  it.each([
    ["another system", { ...linux, platform: "win32" }, false, "win32 x64"],
    ["a Mac", { ...linux, platform: "darwin", arch: "arm64" }, false, "darwin arm64"],
    ["another processor", { ...linux, arch: "riscv64" }, false, "linux riscv64"],
    ["GPUs on arm64", { ...linux, arch: "arm64" }, true, "leave out --gpu"],
    ["musl", { ...linux, glibc: null }, false, "glibc"],
    ["a processor without AVX", { ...linux, cpuFlags: ["sse"] }, false, "AVX"],
  ])("refuses %s, and says what to use instead", (_, machine, gpu, says) => {
    expect(() => checkMachine(machine, gpu)).toThrow(expect.objectContaining(unsupported));
    expect(() => checkMachine(machine, gpu)).toThrow(says);
    expect(() => checkMachine(machine, gpu)).toThrow("@tensorflow/tfjs-backend-wasm");
  });

  it("reads the processor's flags", () => {
    expect(cpuFlags("processor\t: 0\nflags\t\t: fpu avx avx2\nbugs\t: none\n")).toEqual(["fpu", "avx", "avx2"]);
    expect(cpuFlags("processor\t: 0\nFeatures\t: fp asimd\n")).toEqual([]);
    expect(thisMachine()).toMatchObject({ platform: process.platform, arch: process.arch });
  });
});

describe.skipIf(process.platform !== "linux")("what it needs", () => {
  it("names all that is missing at once, and makes nothing", async () => {
    const home = join(newFolder(), "a/b");
    const plan = planFor(home, { env: { PATH: newFolder() } });
    const error = await checkEquipment(plan).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: "FLOCK_TENSORFLOW_NEEDS" });
    expect((error as Error).message).toContain("apt-get install g++");
    expect((error as Error).message).toContain("apt-get install python3-pip");
    expect(existsSync(join(home, ".."))).toBe(false);
  });

  it("names a Python that was given and is none", async () => {
    const plan = planFor(newFolder(), { python: "/nowhere/python3" });
    await expect(checkEquipment(plan)).rejects.toThrow("looked for /nowhere/python3");
  });

  it("wants room: /proc has none, for anybody", async () => {
    const error = await checkEquipment(planFor("/proc/taskflock")).catch((thrown: Error) => thrown);
    expect((error as Error).message).toMatch(/disk: 2\.5 GB while it builds, and \/proc has 0\.0 GB|\/proc may not/);
  });

  it.skipIf(!hasPython || !hasCompiler)("finds them", async () => {
    const { compiler, python, npm, found } = await checkEquipment(planFor(newFolder()));
    expect([compiler, python]).toEqual([process.env["CXX"] || "c++", "python3"]);
    expect(npm.at(-1)).toMatch(/npm/);
    expect(found).toContain(`Node ${process.version}`);
  });
});
