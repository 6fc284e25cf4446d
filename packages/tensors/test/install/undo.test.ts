import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeRecord } from "../../src/install/home.ts";
import { type InstallOptions, installTensorFlow } from "../../src/install/install.ts";
import type { Step } from "../../src/install/steps.ts";
import { hasCompiler, hasPython, newFolder, onlyFrom, writeFiles, writeWheel } from "./stage.ts";

/** A wheel whose libraries are none, and an npm that reaches nothing: it gets as far as npm. */
function failing(): NodeJS.ProcessEnv {
  const index = newFolder();
  for (const name of ["tensorflow_cpu", "tensorflow"])
    writeWheel(index, `${name}-2.99.0-py3-none-any.whl`, {
      "tensorflow/libtensorflow_cc.so.2": "none",
      "tensorflow/libtensorflow_framework.so.2": "none",
      "tensorflow/include/tensorflow/c/c_api.h": "none",
    });
  const npm = { npm_config_offline: "true", npm_config_cache: newFolder() };
  return { ...onlyFrom(index), ...npm };
}

/** What was said, and the error. */
async function install(options: InstallOptions): Promise<{ steps: Step[]; error: unknown }> {
  const steps: Step[] = [];
  const onStep = (step: Step): void => {
    steps.push(step);
    options.onStep?.(step);
  };
  const error = await installTensorFlow({ ...options, onStep }).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return { steps, error };
}

describe.skipIf(process.platform !== "linux" || !hasPython || !hasCompiler)("an installation that fails", () => {
  it("because programs are missing makes nothing", async () => {
    const parent = newFolder();
    const { error } = await install({ into: join(parent, "home"), env: { PATH: newFolder() } });
    expect(error).toMatchObject({ code: "FLOCK_TENSORFLOW_NEEDS" });
    expect(readdirSync(parent)).toEqual([]);
  });

  it("half way, by being ended, leaves nothing behind", async () => {
    const parent = newFolder();
    const controller = new AbortController();
    const onStep = ({ name, result }: Step): void => {
      if (name.endsWith("by npm") && result === null) controller.abort(new Error("enough"));
    };
    const options = { into: join(parent, "home"), env: failing(), signal: controller.signal, onStep };
    const { steps, error } = await install(options);
    expect(error).toMatchObject({ message: "enough" });
    expect(steps.filter(({ result }) => result !== null).map(({ name }) => name)).toEqual([
      "what it needs",
      expect.stringMatching(/^tensorflow.*>=2\.16,<3 by pip$/),
      "its C library",
    ]);
    expect(readdirSync(parent)).toEqual([]);
  });

  it("keeps the one that was there, though that does not work, and removes what a killed one left", async () => {
    const into = newFolder();
    const folder = join(into, "cpu");
    writeFiles(into, { ".new-0abc/cpu/half": "" });
    const versions = { "tfjs-node": "0.0.0" };
    writeFiles(folder, { "index.js": "throw new Error('is broken')" });
    const { platform, arch } = process;
    const record = { format: 1, platform, arch, gpu: false, main: "index.js", versions, preload: null, libraries: [] };
    writeRecord(folder, record as Parameters<typeof writeRecord>[1]);
    const { steps, error } = await install({ into, env: failing() });
    expect(steps.map(({ name }) => name).find((name) => name.includes("is built anew"))).toContain("does not work");
    expect(error).toMatchObject({ code: "FLOCK_TENSORFLOW_DOWNLOAD" });
    expect(String(error)).toContain("npm could not install @tensorflow/tfjs-node");
    expect(readdirSync(into)).toEqual(["cpu"]);
    expect(readFileSync(join(folder, "index.js"), "utf8")).toContain("is broken");
    expect(existsSync(join(folder, "taskflock.json"))).toBe(true);
  });
});
