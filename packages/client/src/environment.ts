// What a process computes with: versions of Node, of Taskflock and of packages, and what else makes code mean something else.

/** Versions of one process. */
export interface Environment {
  /** E.g. "22.12.0". */
  readonly node: string;
  readonly v8: string;
  /** E.g. "linux x64". */
  readonly platform: string;
  /** Null when it cannot be told. */
  readonly taskflock: string | null;
  readonly timeZone: string;
  /** Flags of Node and V8 that change what code does; not those for memory, loaders or debugging. */
  readonly flags: readonly string[];
  /** By name; null for one that is not installed. */
  readonly packages: Readonly<Record<string, string | null>>;
}

/**
 * Of this process. Runs on workers of any version, so it uses nothing but Node: its text is all of it. Packages are looked for
 * where functions that travel find them: from the current folder, and from the files that are running.
 */
export function environmentHere(packages: readonly string[]): Environment {
  const { readFileSync } = process.getBuiltinModule("node:fs");
  const { dirname, join } = process.getBuiltinModule("node:path");
  const { fileURLToPath } = process.getBuiltinModule("node:url");

  const manifestOf = (folder: string): { readonly name?: unknown; readonly version?: unknown } | null => {
    try {
      return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    } catch {
      return null;
    }
  };
  const above = function* (folder: string): Generator<string> {
    for (let at = folder; ; at = dirname(at)) {
      yield at;
      if (dirname(at) === at) return;
    }
  };
  const installed = (name: string, folders: readonly string[]): string | null => {
    for (const folder of folders) {
      for (const at of above(folder)) {
        const version = manifestOf(join(at, "node_modules", name))?.version;
        if (typeof version === "string") return version;
      }
    }
    return null;
  };
  // Frames of modules are file: URLs; on a worker they are Taskflock's own.
  const running = [...(new Error().stack ?? "").matchAll(/file:\/\/[^\s()]+?(?=:\d+:\d+)/g)].map(([url]) =>
    dirname(fileURLToPath(url)),
  );
  const ownVersion = (): string | null => {
    for (const folder of running) {
      for (const at of above(folder)) {
        const { name, version } = manifestOf(at) ?? {};
        if (typeof name !== "string") continue;
        if (/^(?:taskflock$|@taskflock\/)/.test(name) && typeof version === "string") return version;
        break;
      }
    }
    return installed("@taskflock/client", [process.cwd(), ...running]);
  };
  const matters =
    /^(?:-C|--(?:no-)?(?:harmony|js-|experimental-|conditions|preserve-symlinks|jitless|stack-size|disallow-code|disable-proto|frozen-intrinsics|icu-data-dir|use-strict|force-strict))/;
  const flags = [...process.execArgv, ...(process.env["NODE_OPTIONS"] ?? "").split(/\s+/)]
    .map((flag) => flag.replaceAll("_", "-"))
    .filter((flag) => matters.test(flag));
  return {
    node: process.versions.node,
    v8: process.versions.v8,
    platform: `${process.platform} ${process.arch}`,
    taskflock: ownVersion(),
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    flags: [...new Set(flags)].sort(),
    packages: Object.fromEntries(packages.map((name) => [name, installed(name, [process.cwd(), ...running])])),
  };
}
