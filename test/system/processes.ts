// Starts roles of the CLI as a person would, and looks into them with the inspector's protocol.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { WebSocket } from "ws";

export const cli: string = fileURLToPath(new URL("../../packages/taskflock/dist/cli.js", import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the CLI to its end. */
export async function taskflock(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> {
  const child = spawn(process.execPath, [cli, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}

export interface Role {
  readonly child: ChildProcess;
  /** What it wrote on its ready descriptor. */
  // biome-ignore lint/suspicious/noExplicitAny: each role says other things
  readonly ready: any;
  /** The inspector's address, when it was started with one. */
  readonly inspector: string | null;
  readonly stderr: () => string;
  stop(): Promise<number | null>;
}

interface RoleOptions {
  readonly inspect?: boolean;
  readonly env?: NodeJS.ProcessEnv;
}

/** A role whose ready line has yet to come. */
export interface BegunRole {
  readonly child: ChildProcess;
  readonly stderr: () => string;
  readonly ready: Promise<Role>;
}

/** Starts a role that keeps running, and waits for its ready line. */
export function startRole(args: readonly string[], options: RoleOptions = {}): Promise<Role> {
  return beginRole(args, options).ready;
}

export function beginRole(args: readonly string[], options: RoleOptions = {}): BegunRole {
  const nodeArgs = options.inspect === true ? ["--inspect=127.0.0.1:0"] : [];
  const child = spawn(process.execPath, [...nodeArgs, cli, ...args, "--ready-fd", "3", "--exit-on-stdin-end"], {
    env: { ...process.env, ...options.env },
    stdio: ["pipe", "ignore", "pipe", "pipe"],
  });
  let text = "";
  child.stderr?.on("data", (chunk) => {
    text += chunk;
  });
  const stderr = (): string => text;
  return { child, stderr, ready: readiness(child, args, stderr) };
}

async function readiness(child: ChildProcess, args: readonly string[], stderr: () => string): Promise<Role> {
  const exited = once(child, "close");
  const readyPipe = child.stdio[3] as NodeJS.ReadableStream;
  let line = "";
  await Promise.race([
    (async () => {
      for await (const chunk of readyPipe) {
        line += chunk;
        if (line.includes("\n")) return;
      }
    })(),
    exited,
  ]);
  if (!line.includes("\n")) {
    await exited; // and with it all it printed
    throw new Error(`taskflock ${args.join(" ")} ended before it was ready:\n${stderr()}`);
  }
  return {
    child,
    ready: JSON.parse(line),
    inspector: /Debugger listening on (ws:\S+)/.exec(stderr())?.[1] ?? null,
    stderr,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
      const [code] = (await exited) as [number | null];
      return code;
    },
  };
}

/** Forces a garbage collection and gives the bytes that are still in use: heap and array buffers. */
export async function bytesInUse(inspector: string): Promise<number> {
  const socket = new WebSocket(inspector);
  await once(socket, "open");
  let id = 0;
  const call = async (method: string, params: object = {}): Promise<{ result: { value: number } }> => {
    const own = ++id;
    socket.send(JSON.stringify({ id: own, method, params }));
    for (;;) {
      const [data] = await once(socket, "message");
      const answer = JSON.parse(String(data));
      if (answer.id === own) return answer.result;
    }
  };
  // Finalizers run between two collections.
  for (let round = 0; round < 3; round++) await call("HeapProfiler.collectGarbage");
  const expression = "(({ heapUsed, arrayBuffers }) => heapUsed + arrayBuffers)(process.memoryUsage())";
  const { result } = await call("Runtime.evaluate", { expression, returnByValue: true });
  socket.close();
  return result.value;
}

/** The files whose code the process has loaded. */
export async function loadedFiles(inspector: string): Promise<readonly string[]> {
  const socket = new WebSocket(inspector);
  await once(socket, "open");
  const files: string[] = [];
  const listed = new Promise<void>((resolve) => {
    socket.on("message", (data) => {
      const { id, method, params } = JSON.parse(String(data));
      if (method === "Debugger.scriptParsed") files.push(params.url);
      if (id === 1) resolve(); // it has told of all scripts before it answers
    });
  });
  socket.send(JSON.stringify({ id: 1, method: "Debugger.enable" }));
  await listed;
  socket.close();
  return files.filter((file) => file.startsWith("file:") || file.startsWith("/"));
}
