// What the images are built from: the checkout that this command lies in, or else the packages as they are installed here.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { FlockError } from "@taskflock/protocol/words";

export interface ImageSources {
  /** The folder that Docker builds from. */
  readonly context: string;
  readonly dockerfile: string;
  /** The Dockerfile's `TASKFLOCK_FROM`. */
  readonly from: "checkout" | "installed";
  /** Removes what was made for this. */
  dispose(): void;
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** `folder`: where the package taskflock lies. */
export function imageSources(folder: string): ImageSources {
  const root = join(folder, "../..");
  const isCheckout = ["docker/Dockerfile", "package-lock.json", "scripts/bundle.mjs"].every((path) =>
    existsSync(join(root, path)),
  );
  if (!isCheckout) return installedSources(folder);
  const dockerfile = join(root, "docker/Dockerfile");
  return { context: root, dockerfile, from: "checkout", dispose: () => undefined };
}

/**
 * What is installed here goes into the image as it is, whether it came from a registry or not. The packages lie in it as in a
 * checkout; what they depend on is taken from npm's registry.
 */
function installedSources(folder: string): ImageSources {
  const shipped = join(folder, "dist/docker");
  if (!existsSync(join(shipped, "Dockerfile"))) {
    throw new FlockError(
      "FLOCK_IMAGE_BUILD",
      `${shipped} is not there, so this taskflock cannot build images (inside an image it never can). Install the package anew, or build from a checkout.`,
    );
  }
  const context = mkdtempSync(join(tmpdir(), "taskflock-image-"));
  const dispose = (): void => rmSync(context, { recursive: true, force: true });
  try {
    cpSync(shipped, join(context, "docker"), { recursive: true });
    for (const place of ownPackages(folder)) copyPackage(place, join(context, "packages", basename(place)));
    const workspaces = { name: "taskflock-image", private: true, type: "module", workspaces: ["packages/*"] };
    writeFileSync(join(context, "package.json"), JSON.stringify(workspaces));
    return { context, dockerfile: join(context, "docker/Dockerfile"), from: "installed", dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** This package and those of the same family that it needs. */
function ownPackages(folder: string, found: Set<string> = new Set()): Set<string> {
  if (found.has(folder)) return found;
  found.add(folder);
  for (const name of Object.keys(manifestOf(folder).dependencies ?? {})) {
    if (name.startsWith("@taskflock/")) ownPackages(placeOf(name, folder), found);
  }
  return found;
}

/** Where Node finds a package from a folder. */
function placeOf(name: string, from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, "node_modules", name);
    if (existsSync(path)) return realpathSync(path);
    if (folder === dirname(folder)) break;
  }
  throw new FlockError("FLOCK_IMAGE_BUILD", `${name} is not installed beside ${from}. Install taskflock anew.`);
}

function copyPackage(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  const left = new Set(["node_modules", "docker", "terraform"].map((name) => join(from, name)));
  for (const name of ["docker", "terraform"]) left.add(join(from, "dist", name));
  cpSync(from, to, { recursive: true, dereference: true, filter: (path) => !left.has(path) });
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}
