// Without the AWS SDK, in processes in which Node does not find it.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "taskflock-sdk-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const source = pathToFileURL(fileURLToPath(new URL("../../src/storage/open-storage.ts", import.meta.url))).href;

/** Node's own resolution, but the SDK is not installed. */
const absent = `
export async function resolve(specifier, context, next) {
  if (!specifier.startsWith("@aws-sdk/client-s3")) return next(specifier, context);
  throw Object.assign(new Error("Cannot find package '@aws-sdk/client-s3'"), { code: "ERR_MODULE_NOT_FOUND" });
}`;

function opening(): { code?: string; message?: string; url?: string } {
  const hook = `data:text/javascript,${encodeURIComponent(absent)}`;
  const program = `
    import { register } from "node:module";
    register(${JSON.stringify(hook)});
    const { openStorage } = await import(${JSON.stringify(source)});
    const told = await openStorage("s3://bucket/prefix").then(({ url }) => ({ url }), ({ code, message }) => ({ code, message }));
    console.log(JSON.stringify(told));`;
  writeFileSync(join(folder, "program.mjs"), program);
  const tsx = pathToFileURL(
    fileURLToPath(new URL("../../../../node_modules/tsx/dist/loader.mjs", import.meta.url)),
  ).href;
  const options = { cwd: folder, encoding: "utf8" as const };
  return JSON.parse(execFileSync(process.execPath, ["--import", tsx, "program.mjs"], options));
}

describe("s3:// without the AWS SDK", () => {
  it("says which package is missing, and the command that installs it", () => {
    const { code, message } = opening();
    expect(code).toBe("FLOCK_STORAGE_SDK");
    expect(message).toContain("npm install @aws-sdk/client-s3");
  });

  it("takes the one of the folder that the program runs in", () => {
    mkdirSync(join(folder, "node_modules/@aws-sdk"), { recursive: true });
    const real = fileURLToPath(new URL("../../../../node_modules/@aws-sdk/client-s3", import.meta.url));
    symlinkSync(real, join(folder, "node_modules/@aws-sdk/client-s3"), "junction");
    expect(opening()).toEqual({ url: "s3://bucket/prefix/" });
  });
});
