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
  /** Flags of Node and V8 that change what code means; not those for memory, loaders or debugging. */
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
  const { dirname, isAbsolute, join } = process.getBuiltinModule("node:path");
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
  // Of what calls this: on a worker, Taskflock's own. A frame is "at name (place:line:column)" or "at place:line:column".
  const frames = (new Error().stack ?? "").matchAll(/^ +at (?:.*\()?(?:async )?([^()\n]+):\d+:\d+\)?$/gm);
  const running = [...frames].flatMap(([, place = ""]) => {
    if (place.startsWith("file:")) return [dirname(fileURLToPath(place))];
    return isAbsolute(place) ? [dirname(place)] : [];
  });
  const ownVersion = (): string | null => {
    for (const folder of running) {
      for (const at of above(folder)) {
        const { name, version } = manifestOf(at) ?? {};
        if (/^(?:taskflock$|@taskflock\/)/.test(String(name)) && typeof version === "string") return version;
      }
    }
    return installed("@taskflock/client", [process.cwd(), ...running]);
  };
  const matters =
    /^--(?:no-)?(?:harmony|js-|conditions=|preserve-symlinks|jitless|stack-size|disallow-code|disable-proto|frozen-intrinsics|icu-data-dir|use-strict)/;
  const given = [...process.execArgv, ...(process.env["NODE_OPTIONS"] ?? "").split(/\s+/)];
  const flags = given
    .map((flag, index) => (/^(?:-C|--conditions)$/.test(flag) ? `--conditions=${given[index + 1] ?? ""}` : flag))
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
