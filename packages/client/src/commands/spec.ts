// A command as it travels to a worker, and what comes back.

/** What is to be run, as it travels. */
export interface CommandSpec {
  readonly command: readonly [string, ...string[]];
  readonly cwd: string | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: string | Uint8Array | null;
  /** Relative paths with `/`, and what the files contain. */
  readonly files: readonly (readonly [path: string, content: string | Uint8Array])[];
  readonly outputs: readonly string[];
  readonly check: boolean;
  readonly maxOutputBytes: number;
}

/** What a command left behind. */
export interface ExecResult {
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last `maxOutputBytes` of what it wrote, as UTF-8. */
  readonly stdout: string;
  readonly stderr: string;
  /** Bytes that were written before those, and not kept. */
  readonly droppedBytes: { readonly stdout: number; readonly stderr: number };
  /** The files that `outputs` asked for, by their paths in the command's folder. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** How long it ran. */
  readonly seconds: number;
  readonly worker: string;
}

/** How a command ended. */
export type Ending = Pick<ExecResult, "exitCode" | "signal" | "seconds">;

/** A command as messages show it. */
export function shown({ command }: CommandSpec): string {
  const text = command.map((part) => (/^[\w@%+=:,./-]+$/.test(part) ? part : JSON.stringify(part))).join(" ");
  return text.length <= 120 ? text : `${text.slice(0, 119)}…`;
}
