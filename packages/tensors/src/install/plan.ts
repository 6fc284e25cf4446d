// What is to be installed, where, and with what.

export interface Plan {
  readonly gpu: boolean;
  /** The folder that holds `cpu` and `gpu`. */
  readonly home: string;
  /** The Python that has pip; null: `python3` or `python` of the path. */
  readonly python: string | null;
  /** TensorFlow's version; null: the newest that pip offers. */
  readonly tensorflow: string | null;
  /** Of the programs that are run. */
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal | undefined;
}

/** The package whose binding is built. Its sources are known to fit TensorFlow's C library from 2.16 on. */
export const bindingVersion = "4.22.0";

/** What pip is asked for: the C library is in both wheels. On x64 one has CUDA's part of it, too; on arm64 neither has. */
export function requirement({ gpu, tensorflow }: Plan, arch: string = process.arch): string {
  return `tensorflow${gpu || arch === "arm64" ? "" : "-cpu"}${tensorflow === null ? ">=2.16,<3" : `==${tensorflow}`}`;
}

/** Bytes that must be free while it builds: wheels, what comes out of them, and the package. */
export function bytesNeeded({ gpu }: Plan): number {
  return gpu ? 12e9 : 2.5e9;
}
