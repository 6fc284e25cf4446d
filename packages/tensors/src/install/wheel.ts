// TensorFlow's wheel by pip, and what is needed of it.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { FlockError } from "@taskflock/protocol/words";
import type { Equipment } from "./checks.ts";
import type { Plan } from "./plan.ts";
import { lastLines, type ProgramEnd, runProgram } from "./programs.ts";

/** A slow line may take its time; pip itself gives up on one that is dead. */
const longestDownloadMs = 3_600_000;

/** Downloads wheels, without what they depend on, into an empty folder; the paths of the files. */
export async function downloadWheels(
  plan: Plan,
  { python }: Equipment,
  requirements: readonly string[],
  folder: string,
): Promise<string[]> {
  const pip = [
    "-m",
    "pip",
    "download",
    "--no-deps",
    "--only-binary=:all:",
    "--no-input",
    "--disable-pip-version-check",
  ];
  const attempt = (more: readonly string[]): Promise<ProgramEnd> =>
    runProgram(python, [...pip, "--progress-bar=off", "-d", folder, ...more, ...requirements], {
      env: plan.env,
      signal: plan.signal,
      timeoutMs: longestDownloadMs,
    });
  let end = await attempt([]);
  // The library is the same for all Pythons: one too new or too old for TensorFlow can fetch another's wheel.
  if (end.code !== 0 && isForOtherPythons(end)) end = await attempt(anotherPython());
  if (end.code !== 0) throw downloadError(requirements, python, end);
  return readdirSync(folder).map((name) => join(folder, name));
}

/** Whether the index answered, and has nothing for this Python. */
export function isForOtherPythons({ stderr }: ProgramEnd): boolean {
  return stderr.includes("No matching distribution found") && !stderr.includes("Retrying (");
}

function anotherPython(): string[] {
  const arch = process.arch === "arm64" ? "aarch64" : "x86_64";
  // pip takes these names literally: each version of glibc is one.
  const minors = Array.from({ length: 24 }, (_, i) => 17 + i);
  const platforms = ["manylinux2014", ...minors.map((minor) => `manylinux_2_${minor}`)];
  return ["--python-version=3.12", "--implementation=cp", "--abi=cp312"].concat(
    platforms.map((name) => `--platform=${name}_${arch}`),
  );
}

function downloadError(requirements: readonly string[], python: string, end: ProgramEnd): FlockError {
  const lines = end.stderr.split("\n").filter((line) => !line.includes("Retrying (Retry"));
  return new FlockError(
    "FLOCK_TENSORFLOW_DOWNLOAD",
    `pip could not download ${requirements.join(" ")}:\n${lastLines({ ...end, stdout: "", stderr: lines.join("\n") }, 4)}\n` +
      `pip's own settings hold (proxy, index-url, find-links); it was run as: ${python} -m pip download --no-deps '${requirements.join("' '")}'`,
  );
}

/** Python has a reader of wheels, which checks their sums, and Python is there; so no library for it is needed here. */
const extractScript = `
import re, sys, zipfile
wheel, folder, pattern = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        if re.search(pattern, name):
            archive.extract(name, folder)
`;

/** Takes the members whose name matches (a Python pattern) out of a wheel, under the paths that they have in it. */
export async function extract(
  plan: Plan,
  { python }: Equipment,
  wheel: string,
  folder: string,
  pattern: string,
): Promise<void> {
  const { env, signal } = plan;
  const end = await runProgram(python, ["-c", extractScript, wheel, folder, pattern], { env, signal });
  if (end.code !== 0)
    throw new FlockError("FLOCK_TENSORFLOW_INSTALL", `${wheel} could not be unpacked:\n${lastLines(end)}`);
}

export const libraryPattern = "^tensorflow/libtensorflow_(cc|framework)\\.so\\.\\d+$";
/** The C interface, and what its headers include. */
export const headerPattern = "^tensorflow/include/(tensorflow/c|tensorflow/core/platform|tsl|xla/tsl)/.*\\.h$";
export const metadataPattern = "^[^/]+\\.dist-info/METADATA$";

/** Version of the wheel, from the name that the format prescribes. */
export function wheelVersion(file: string): string {
  return file.split("/").at(-1)?.split("-")[1] ?? "unknown";
}
