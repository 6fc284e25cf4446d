// Everything that is needed is looked for first, and all that is missing is named at once.
import { accessSync, constants, existsSync, readFileSync, realpathSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { FlockError } from "@taskflock/protocol/words";
import { bytesNeeded, type Plan } from "./plan.ts";
import { runProgram } from "./programs.ts";

/** The programs to work with. */
export interface Equipment {
  readonly compiler: string;
  readonly python: string;
  /** npm's command and its first arguments. */
  readonly npm: readonly [string, ...string[]];
  /** What was found, for a person. */
  readonly found: readonly string[];
}

export interface Machine {
  readonly platform: string;
  readonly arch: string;
  /** Null with another C library, such as musl of Alpine. */
  readonly glibc: string | null;
  /** Flags of the processor; empty where they are not known. */
  readonly cpuFlags: readonly string[];
}

export function thisMachine(): Machine {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  return {
    platform: process.platform,
    arch: process.arch,
    glibc: report?.header?.glibcVersionRuntime ?? null,
    cpuFlags: existsSync("/proc/cpuinfo") ? cpuFlags(readFileSync("/proc/cpuinfo", "utf8")) : [],
  };
}

export function cpuFlags(cpuinfo: string): string[] {
  return /^flags\s*:\s*(.*)$/m.exec(cpuinfo)?.[1]?.split(/\s+/) ?? [];
}

const instead =
  "The WebAssembly backend runs anywhere: npm install @tensorflow/tfjs @tensorflow/tfjs-backend-wasm, and nothing more.";

/** @throws FLOCK_TENSORFLOW_UNSUPPORTED when TensorFlow's wheels are not for such a machine. */
export function checkMachine({ platform, arch, glibc, cpuFlags: flags }: Machine, gpu: boolean): void {
  const why =
    platform !== "linux" || (arch !== "x64" && arch !== "arm64")
      ? `it builds on Linux on x64 and arm64, and this is ${platform} ${arch}`
      : gpu && arch !== "x64"
        ? `TensorFlow has GPU libraries for Linux on x64 only, and this is ${arch} (leave out --gpu)`
        : glibc === null
          ? "TensorFlow's libraries need glibc, and this system has another C library (Alpine's musl?)"
          : flags.length > 0 && arch === "x64" && !flags.includes("avx")
            ? "TensorFlow's libraries need a processor with AVX, which this one lacks"
            : null;
  if (why !== null)
    throw new FlockError("FLOCK_TENSORFLOW_UNSUPPORTED", `No native TensorFlow here: ${why}. ${instead}`);
}

/** @throws FLOCK_TENSORFLOW_NEEDS with everything that is missing, and how to get it. */
export async function checkEquipment(plan: Plan): Promise<Equipment> {
  const missing: string[] = [];
  const need = <T>(found: T | null, message: string): T | null => {
    if (found === null) missing.push(message);
    return found;
  };
  const compiler = need(
    await firstThat(["c++", "g++", "clang++"], (name) => answer(plan, name, ["--version"]), plan.env["CXX"]),
    "a C++ compiler: apt-get install g++, or dnf install gcc-c++",
  );
  const pythons = plan.python === null ? ["python3", "python"] : [plan.python];
  const python = need(
    await firstThat(pythons, (name) => answer(plan, name, ["-m", "pip", "--version"])),
    `a Python with pip (looked for ${pythons.join(", ")}): apt-get install python3-pip, or name one by --python`,
  );
  const npm = need(await findNpm(plan), "npm: it comes with Node, and is not on the path");
  const disk = diskProblem(plan);
  if (disk !== null) missing.push(disk);
  if (compiler === null || python === null || npm === null || missing.length > 0)
    throw new FlockError(
      "FLOCK_TENSORFLOW_NEEDS",
      `Native TensorFlow cannot be built here yet; nothing was changed. Missing:\n${missing.map((line) => `  - ${line}`).join("\n")}`,
    );
  const found = [compiler.says, python.says.replace(/ from .* \(/, " ("), `npm ${npm.says}`, `Node ${process.version}`];
  return { compiler: compiler.name, python: python.name, npm: npm.command, found };
}

interface Found {
  readonly name: string;
  readonly says: string;
}

async function firstThat(
  names: readonly string[],
  ask: (name: string) => Promise<string | null>,
  preferred?: string,
): Promise<Found | null> {
  for (const name of preferred ? [preferred, ...names] : names) {
    const says = await ask(name);
    if (says !== null) return { name, says };
  }
  return null;
}

/** First line of what it prints; null when it is not there, or broken. */
async function answer({ env, signal }: Plan, program: string, args: readonly string[]): Promise<string | null> {
  const { code, stdout } = await runProgram(program, args, { env, signal, timeoutMs: 30_000 });
  return code === 0 ? (stdout.split("\n")[0] ?? "") : null;
}

async function findNpm(plan: Plan): Promise<{ command: [string, ...string[]]; says: string } | null> {
  const script = plan.env["npm_execpath"];
  const beside = join(dirname(realpathSync(process.execPath)), "../lib/node_modules/npm/bin/npm-cli.js");
  const commands: [string, ...string[]][] = [["npm"]];
  if (existsSync(beside)) commands.unshift([process.execPath, beside]);
  if (script?.endsWith("npm-cli.js")) commands.unshift([process.execPath, script]);
  for (const command of commands) {
    const [program, ...args] = command;
    const says = await answer(plan, program, [...args, "--version"]);
    if (says !== null) return { command, says };
  }
  return null;
}

/** Asks the nearest folder that exists: nothing is made before all is known to be there. */
function diskProblem(plan: Plan): string | null {
  let folder = plan.home;
  while (!existsSync(folder)) folder = dirname(folder);
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    return `a folder that may be written to: ${folder} may not; name another by --into`;
  }
  const { bavail, bsize } = statfsSync(folder);
  const [free, needed] = [bavail * bsize, bytesNeeded(plan)];
  if (free >= needed) return null;
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
  return `disk: ${gigabytes(needed)} while it builds, and ${folder} has ${gigabytes(free)}; name another folder by --into`;
}
