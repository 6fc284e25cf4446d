import { renameSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { folderOf, type InstallRecord, tensorflowHome, writeRecord } from "../../src/install/home.ts";
import { nativeModule } from "../../src/install/native-module.ts";
import { removeTensorFlow, tensorflowStatus } from "../../src/install/remove.ts";
import { newFolder, writeFiles } from "./stage.ts";

const record: InstallRecord = {
  format: 1,
  platform: process.platform,
  arch: process.arch,
  gpu: true,
  main: "node_modules/x/index.js",
  versions: { tensorflow: "2.99.0" },
  preload: "preload.node",
  libraries: ["a/liba.so"],
};

/** A folder with one for GPUs in it. */
function withGpu(more: Partial<InstallRecord> = {}): string {
  const home = newFolder();
  writeFiles(folderOf(home, true), { [record.main]: "" });
  writeRecord(folderOf(home, true), { ...record, ...more });
  return home;
}

describe("the folder", () => {
  it("is TASKFLOCK_TENSORFLOW_HOME, or lies in the user's data", () => {
    expect(tensorflowHome({ TASKFLOCK_TENSORFLOW_HOME: "/a/b", XDG_DATA_HOME: "/data" })).toBe("/a/b");
    expect(tensorflowHome({ TASKFLOCK_TENSORFLOW_HOME: "", XDG_DATA_HOME: "/data" })).toBe(
      "/data/taskflock/tensorflow",
    );
    expect(tensorflowHome({})).toBe(join(homedir(), ".local/share/taskflock/tensorflow"));
  });
});

describe("nativeModule", () => {
  const nowhere = [join(newFolder(), "/")];

  it("gives the one in the folder, also when that was moved", () => {
    const [home, other] = [withGpu(), join(newFolder(), "moved")];
    renameSync(home, other);
    expect(nativeModule(true, { home: other, from: nowhere })).toEqual({
      path: join(other, "gpu/node_modules/x/index.js"),
      versions: { tensorflow: "2.99.0" },
      preload: join(other, "gpu/preload.node"),
      libraries: [join(other, "gpu/a/liba.so")],
    });
  });

  it.each([
    ["there is none", () => newFolder(), "`taskflock tensorflow install --gpu` puts one there"],
    ["it is of another processor", () => withGpu({ arch: "mips" }), "is for linux mips"],
    ["its files are gone", () => withGpu({ main: "gone.js" }), "gone.js is missing"],
    ["its record is of a later version", () => withGpu({ format: 2 as 1 }), "there is none"],
  ])("says why: %s", (_, make, why) => {
    const found = nativeModule(true, { home: make(), from: nowhere });
    expect(found).toMatchObject({ why: expect.stringContaining(why) });
    expect(found).toMatchObject({ why: expect.stringContaining("tfjs-node-gpu is not installed beside the program") });
  });

  it("takes the program's own package, when it has its binary", () => {
    const program = newFolder();
    const from = [join(newFolder(), "/"), join(program, "/")];
    const folder = join(program, "node_modules/@tensorflow/tfjs-node");
    writeFiles(folder, { "package.json": '{ "version": "4.22.0", "main": "dist/index.js" }', "dist/index.js": "" });
    const home = newFolder();
    expect(nativeModule(false, { home, from })).toMatchObject({ why: expect.stringContaining("has no binary") });
    writeFiles(folder, { "lib/napi-v8/tfjs_binding.node": "" });
    const versions = { "tfjs-node": "4.22.0" };
    const path = join(folder, "dist/index.js");
    expect(nativeModule(false, { home, from })).toEqual({ path, versions, preload: null, libraries: [] });
    expect(nativeModule(true, { home, from })).toHaveProperty("why");
  });

  it("is what status tells, and none after remove", () => {
    const home = withGpu();
    const status = (): object[] => tensorflowStatus(home);
    expect(status()).toEqual([
      { gpu: false, found: { why: expect.any(String) }, bytes: 0 },
      { gpu: true, found: expect.objectContaining({ versions: record.versions }), bytes: expect.any(Number) },
    ]);
    expect(removeTensorFlow(home)).toEqual([join(home, "gpu")]);
    expect(status()[1]).toMatchObject({ found: { why: expect.any(String) }, bytes: 0 });
    expect(removeTensorFlow(home)).toEqual([]);
  });
});
