// `taskflock image build`: Taskflock's own images, and users' images that are made from them.
import { existsSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { FlockError } from "@taskflock/protocol/words";
import type { Docker } from "./docker.ts";
import type { ImageSources } from "./sources.ts";

export type Target = "cpu" | "gpu" | "notebook";
export const targets: readonly Target[] = ["cpu", "gpu", "notebook"];

/** The names under which Taskflock's images are known here; users' Dockerfiles build `FROM` them. */
export const tagOf: Readonly<Record<Target, string>> = {
  cpu: "taskflock:latest",
  gpu: "taskflock:gpu",
  notebook: "taskflock:notebook",
};

export interface BuildOptions {
  /** Of Taskflock's images: default "cpu". With `file` or `context`, a stage of the user's Dockerfile: default its last. */
  readonly target?: string;
  /** Default: that of the target; for a user's image, the name of its folder. */
  readonly tags: readonly string[];
  /** The user's Dockerfile. Default: the one in `context`. */
  readonly file?: string;
  /** The folder that a user's image is built from. Default: this one. */
  readonly context?: string;
  /** `NAME=VALUE`. */
  readonly buildArgs: readonly string[];
  /** `linux/amd64` or `linux/arm64`. Default: this machine's. */
  readonly platform?: string;
  readonly pull: boolean;
  readonly cache: boolean;
}

export interface Built {
  readonly image: string;
  readonly tags: readonly string[];
  readonly id: string;
  readonly bytes: number;
  readonly platform: string;
}

type Common = Pick<BuildOptions, "buildArgs" | "platform" | "pull" | "cache">;

/** Builds what is asked for, and before it the image of Taskflock's that it stands on, where that is not here. */
export async function buildImage(docker: Docker, sources: () => ImageSources, options: BuildOptions): Promise<Built> {
  await docker.answers();
  const isOwn = options.file === undefined && options.context === undefined;
  const tags = isOwn ? await buildOwn(docker, sources, options) : await buildUsers(docker, sources, options);
  const [image = ""] = tags;
  const facts = await docker.must([
    "image",
    "inspect",
    "--format",
    "{{.Id}} {{.Size}} {{.Os}}/{{.Architecture}}",
    image,
  ]);
  const [id = "", bytes = "", platform = ""] = facts.split(" ");
  return { image, tags, id, bytes: Number(bytes), platform };
}

async function buildOwn(
  docker: Docker,
  sources: () => ImageSources,
  options: BuildOptions,
): Promise<readonly string[]> {
  const { target = "cpu" } = options;
  if (!isTarget(target)) {
    const message = `--target ${target}: Taskflock's images are ${targets.join(", ")}. For a stage of your own Dockerfile, name its folder.`;
    throw new FlockError("FLOCK_OPTION_INVALID", message);
  }
  const tags = options.tags.length > 0 ? options.tags : [tagOf[target]];
  const { context, dockerfile, from, dispose } = sources();
  try {
    const what = ["--file", dockerfile, "--target", target, "--build-arg", `TASKFLOCK_FROM=${from}`];
    await build(docker, [...what, ...tagFlags(tags), ...commonFlags(options), context], `taskflock's ${target} image`);
  } finally {
    dispose();
  }
  return tags;
}

async function buildUsers(
  docker: Docker,
  sources: () => ImageSources,
  options: BuildOptions,
): Promise<readonly string[]> {
  const context = resolve(options.context ?? ".");
  const file = resolve(options.file ?? join(context, "Dockerfile"));
  if (!existsSync(file)) {
    const message = `${file} is not there. Three lines are enough: FROM taskflock:latest, COPY --chown=1000:1000 . ., RUN npm ci. Or name another by --file.`;
    throw new FlockError("FLOCK_IMAGE_BUILD", message);
  }
  const { platform, ...others } = options;
  const common: Common = { ...others, ...(platform === undefined ? {} : { platform }), buildArgs: [] };
  for (const target of targetsBelow(readFileSync(file, "utf8"))) {
    if (await docker.has(tagOf[target])) continue;
    await buildOwn(docker, sources, { ...common, target, tags: [tagOf[target]] });
  }
  const tags = options.tags.length > 0 ? options.tags : [`${nameOf(context)}:latest`];
  const stage = options.target === undefined ? [] : ["--target", options.target];
  await build(docker, ["--file", file, ...stage, ...tagFlags(tags), ...commonFlags(options), context], tags[0] ?? "");
  return tags;
}

async function build(docker: Docker, args: readonly string[], what: string): Promise<void> {
  const env = { ...process.env, DOCKER_BUILDKIT: "1" };
  const { exitCode, output } = await docker.run(["build", ...args], { env, show: true });
  if (exitCode === 0) return;
  const hint = /buildx component is missing|unknown flag: --/.test(output)
    ? " This Docker lacks its build plugin: install docker-buildx (docker-buildx-plugin in Docker's own packages)."
    : "";
  const last = output.split("\n").at(-1) ?? "";
  throw new FlockError("FLOCK_IMAGE_BUILD", `${what} could not be built (exit code ${exitCode}): ${last}.${hint}`);
}

/** The images of Taskflock's that a Dockerfile stands on, by the names that they have here. */
export function targetsBelow(dockerfile: string): readonly Target[] {
  const bases = [...dockerfile.matchAll(/^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*(\S+)/gim)].map(([, base]) => base);
  return targets.filter((target) => bases.includes(tagOf[target]) || (target === "cpu" && bases.includes("taskflock")));
}

/** A name for an image, after its folder. */
export function nameOf(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  return name === "" ? "my-taskflock" : name;
}

function tagFlags(tags: readonly string[]): readonly string[] {
  return tags.flatMap((tag) => ["--tag", tag]);
}

function commonFlags({ buildArgs, platform, pull, cache }: Common): readonly string[] {
  return [
    ...buildArgs.flatMap((text) => ["--build-arg", text]),
    ...(platform === undefined ? [] : ["--platform", platform]),
    ...(pull ? ["--pull"] : []),
    ...(cache ? [] : ["--no-cache"]),
  ];
}

function isTarget(text: string): text is Target {
  return (targets as readonly string[]).includes(text);
}
