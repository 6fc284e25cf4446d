// Which packages have code that is compiled for one kind of machine, and so cannot travel as text.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { InstalledPackage } from "@taskflock/protocol";

/** Files and folders that only packages with native code have. */
const NATIVE_FILES = ["binding.gyp", "prebuilds", "build/Release"];
/** What finds or builds an addon for the package that depends on it. */
const ADDON_TOOLS = [
  "bindings",
  "node-gyp-build",
  "node-gyp-build-optional-packages",
  "prebuild-install",
  "node-pre-gyp",
  "@mapbox/node-pre-gyp",
  "node-addon-api",
  "nan",
];
/** Packages that hold what was built for one platform: `@img/sharp-linux-x64`, `lightningcss-darwin-arm64`. */
const PLATFORM_PACKAGE = /(?:linux|darwin|win32|freebsd|android)-(?:x64|arm64|arm|ia32|riscv64|universal)/;

const known = new Map<string, string | undefined>();

/** What shows that the package has native code, for a message; undefined when nothing does. */
export function nativeCodeOf(found: InstalledPackage): string | undefined {
  const { directory } = found;
  if (!known.has(directory)) known.set(directory, findSign(found));
  return known.get(directory);
}

function findSign({ name, directory, manifest }: InstalledPackage): string | undefined {
  const file = NATIVE_FILES.find((path) => existsSync(join(directory, path)));
  if (file !== undefined) return file;
  const { gypfile, dependencies, optionalDependencies, os, cpu } = manifest as Record<string, unknown>;
  if (gypfile === true) return "gypfile in its package.json";
  const tool = ADDON_TOOLS.find((addonTool) => addonTool !== name && names(dependencies).includes(addonTool));
  if (tool !== undefined) return `built by ${tool}`;
  const isForPlatforms = names(optionalDependencies).some((dependency) => PLATFORM_PACKAGE.test(dependency));
  if (isForPlatforms) return "a package for each platform";
  return os !== undefined && cpu !== undefined ? "os and cpu in its package.json" : undefined;
}

function names(dependencies: unknown): string[] {
  return typeof dependencies === "object" && dependencies !== null ? Object.keys(dependencies) : [];
}
