// `taskflock image push`: an image goes to a registry, and what it is called there comes back.
import { FlockError } from "@taskflock/protocol/words";
import type { Docker, Outcome } from "./docker.ts";
import { type EcrOptions, ecrPlace } from "./ecr.ts";
import { logInFor } from "./log-in.ts";

export interface PushOptions extends EcrOptions {
  /** By its name here. */
  readonly image: string;
  /** There. Default: as here. */
  readonly tag?: string;
  /** Registry and repository; default: `repository` of ECR. The user has logged in there. */
  readonly to?: string;
}

export interface Pushed {
  readonly image: string;
  /** Registry and repository: Terraform's `docker_registry`. */
  readonly registry: string;
  readonly tag: string;
  /** Terraform's `image_digest`. */
  readonly digest: string;
  readonly platform: string;
  /** Whether the repository was made for this. */
  readonly created: boolean;
}

export async function pushImage(docker: Docker, options: PushOptions): Promise<Pushed> {
  const { image, to } = options;
  const tag = options.tag ?? tagIn(image);
  if (to !== undefined) checkPlace(to);
  await docker.answers();
  if (!(await docker.has(image))) {
    const message = `there is no image ${image} here. Build it: taskflock image build, or name one that \`docker image ls\` lists.`;
    throw new FlockError("FLOCK_IMAGE_UNKNOWN", message);
  }
  const platform = await docker.must(["image", "inspect", "--format", "{{.Os}}/{{.Architecture}}", image]);
  if (to !== undefined) {
    const digest = await pushAs(docker, image, `${to}:${tag}`, process.env);
    return { image, registry: to, tag, digest, platform, created: false };
  }
  const { uri, auth, created } = await ecrPlace(options);
  const { env, dispose } = logInFor(uri.split("/")[0] ?? uri, auth);
  try {
    const digest = await pushAs(docker, image, `${uri}:${tag}`, env);
    return { image, registry: uri, tag, digest, platform, created };
  } finally {
    dispose();
  }
}

/** Gives the image the name for as long as it takes, and gives back the digest. */
async function pushAs(docker: Docker, image: string, name: string, env: NodeJS.ProcessEnv): Promise<string> {
  const wasThere = await docker.has(name);
  await docker.must(["tag", image, name]);
  try {
    const pushed = await docker.run(["push", name], { env, show: true });
    const digest = /\bdigest: (sha256:[0-9a-f]{64})\b/.exec(pushed.output)?.[1];
    if (pushed.exitCode === 0 && digest !== undefined) return digest;
    throw refused(name, pushed);
  } finally {
    if (!wasThere) await docker.run(["image", "rm", "--no-prune", name]);
  }
}

function refused(name: string, { output, exitCode }: Outcome): FlockError {
  const last = output.split("\n").at(-1) ?? "";
  const registry = name.split("/")[0] ?? "";
  const hint = /no basic auth|unauthorized|denied|authentication required/i.test(output)
    ? ` Log in: docker login ${registry}; for ECR, leave --to out.`
    : /immutable/i.test(output)
      ? " The repository's tags cannot be given anew: choose another by --tag."
      : "";
  return new FlockError("FLOCK_IMAGE_PUSH", `${name} could not be pushed (exit code ${exitCode}): ${last}.${hint}`);
}

/** `taskflock:gpu` → `gpu`. */
export function tagIn(image: string): string {
  if (image.includes("@")) {
    throw new FlockError(
      "FLOCK_OPTION_INVALID",
      `${image} is named by its digest: say by --tag what it is to be called.`,
    );
  }
  const [, tag = "latest"] = /:([\w.-]+)$/.exec(image) ?? [];
  return tag;
}

/** What Terraform's `docker_registry` takes, too. */
export function checkPlace(to: string): void {
  if (/^[a-z0-9.-]+(:[0-9]+)?(\/[a-z0-9._-]+)+$/.test(to)) return;
  throw new FlockError(
    "FLOCK_OPTION_INVALID",
    `--to ${to}: give registry and repository without https:// and without a tag, such as registry.example.com/team/taskflock.`,
  );
}
