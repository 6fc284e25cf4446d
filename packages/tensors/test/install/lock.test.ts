import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { takeLock } from "../../src/install/lock.ts";
import { hasPython, newFolder } from "./stage.ts";

const source = fileURLToPath(new URL("../../src/install/lock.ts", import.meta.url));
const never = (): void => {
  throw new Error("nobody has it");
};

/** A process that has taken the lock, and does nothing. */
async function holder(folder: string): Promise<ChildProcess> {
  const code = `import { takeLock } from ${JSON.stringify(source)};
    await takeLock("python3", ${JSON.stringify(folder)}, undefined, () => {}); console.log("held"); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout as NodeJS.ReadableStream, "data");
  return child;
}

describe.skipIf(!hasPython || process.platform !== "linux")("the lock of a folder", () => {
  it("is had by one, and by the next when it is free", async () => {
    const folder = join(newFolder(), "made/by/it");
    const first = await takeLock("python3", folder, undefined, never);
    expect(first.waited).toBe(false);
    const order: string[] = [];
    let waits = (): void => {};
    const waiting = new Promise<void>((resolve) => {
      waits = resolve;
    });
    const second = takeLock("python3", folder, undefined, waits).then((lock) => {
      order.push("second");
      return lock;
    });
    await waiting;
    order.push("freed");
    await first.free();
    const lock = await second;
    expect([order, lock.waited]).toEqual([["freed", "second"], true]);
    await lock.free();
  });

  it("is free when its owner was killed", async () => {
    const folder = newFolder();
    const child = await holder(folder);
    const ours = takeLock("python3", folder, undefined, () => child.kill("SIGKILL"));
    const lock = await ours;
    expect(lock.waited).toBe(true);
    expect(child.signalCode ?? (await once(child, "exit"))[1]).toBe("SIGKILL");
    await lock.free();
  });

  it("is that of the folder of this name: its owner may have removed the one that was waited for", async () => {
    const folder = join(newFolder(), "home");
    const first = await takeLock("python3", folder, undefined, never);
    const lock = await takeLock("python3", folder, undefined, () => {
      rmdirSync(folder);
      void first.free();
    });
    expect(existsSync(folder)).toBe(true);
    await lock.free();
  });

  it("is not waited for any longer when that is ended", async () => {
    const folder = newFolder();
    const first = await takeLock("python3", folder, undefined, never);
    const controller = new AbortController();
    const waiting = takeLock("python3", folder, controller.signal, () => controller.abort(new Error("enough")));
    await expect(waiting).rejects.toThrow("enough");
    await first.free();
    await (await takeLock("python3", folder, undefined, () => {})).free();
  });

  it("says why when it cannot be had", async () => {
    await expect(takeLock("python3", "/proc/taskflock/x", undefined, never)).rejects.toThrow("could not be locked");
    await expect(takeLock("/nowhere/python", newFolder(), undefined, never)).rejects.toThrow("ENOENT");
  });
});
