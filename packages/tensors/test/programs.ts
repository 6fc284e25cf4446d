// Programs that load tensors in processes of their own, as users' do: from what is built.
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TensorChoice } from "@taskflock/tensors";

export const repository = fileURLToPath(new URL("../../..", import.meta.url));

export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a module's text in `folder`, with these variables of the environment. */
export function run(text: string, folder: string, variables: Record<string, string> = {}): Promise<Run> {
  const { TASKFLOCK_TENSOR_BACKEND, NODE_OPTIONS, ...rest } = process.env;
  const env = { ...rest, ...variables };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ["--input-type=module", "-e", text],
      { cwd: folder, env, timeout: 50_000 },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
      },
    );
  });
}

/** Loads, and prints the choice, or the error's code and message, as JSON. */
export const load = `
  import { loadTensors } from "@taskflock/tensors";
  try {
    const { tf, ...choice } = await loadTensors();
    console.log(JSON.stringify({ choice }));
  } catch ({ code, message }) {
    console.log(JSON.stringify({ code, message }));
  }
`;

export interface Loaded {
  readonly choice?: TensorChoice;
  readonly code?: string;
  readonly message?: string;
}

export const parsed = ({ stdout }: Run): Loaded => JSON.parse(stdout) as Loaded;

/** A project outside of the repository, with our packages as npm installs them, and with some of TensorFlow.js's. */
export function projectWith(...packages: readonly string[]): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "flock-tensors-")));
  for (const name of ["tensors", "protocol"]) {
    const to = join(folder, "node_modules/@taskflock", name);
    cpSync(join(repository, "packages", name, "dist"), join(to, "dist"), { recursive: true });
    cpSync(join(repository, "packages", name, "package.json"), join(to, "package.json"));
  }
  mkdirSync(join(folder, "node_modules/@tensorflow"));
  for (const name of packages) symlinkSync(join(repository, "node_modules", name), join(folder, "node_modules", name));
  return folder;
}
