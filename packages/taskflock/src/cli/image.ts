// `taskflock image build` and `taskflock image push`: from this machine to a registry.
import type { Command } from "commander";
import type { Docker } from "../image/docker.ts";
import { printLine } from "../process.ts";
import { flag } from "./flags.ts";

interface DockerFlags {
  readonly docker: string;
  readonly json?: true;
}

interface BuildFlags extends DockerFlags {
  readonly target?: string;
  readonly tag: readonly string[];
  readonly file?: string;
  readonly buildArg: readonly string[];
  readonly platform?: string;
  readonly pull?: true;
  readonly cache: boolean;
}

interface PushFlags extends DockerFlags {
  readonly repository: string;
  readonly region?: string;
  readonly kmsKey?: string;
  readonly to?: string;
  readonly tag?: string;
}

const buildHelp = `
  taskflock image build                          Taskflock's image for the processor: taskflock:latest, under 300 MB
  taskflock image build --target gpu             the one with CUDA and native TensorFlow: taskflock:gpu; downloads some 3 GB
  taskflock image build my-folder --tag mine     your own, by my-folder/Dockerfile; what it stands on is built before it

For machines of Amazon's from a Mac with Apple's processor: --platform linux/amd64.`;

const pushHelp = `
The repository is made where it is missing (AWS credentials and region as the AWS CLI finds them), and logged in to for this one push:
nothing of that is left on this machine. It prints what Terraform is to be told, the image's digest.

  taskflock image push taskflock:gpu                                       to ECR, repository taskflock
  taskflock image push mine:1 --to registry.example.com/team/mine          elsewhere, where you have done docker login`;

const again = (text: string, before: readonly string[]): readonly string[] => [...before, text];
const none: readonly string[] = [];

/** `taskflock image build | push` */
export function addImageCommand(program: Command): void {
  const image = program.command("image").description("Build container images, and push them to a registry.");
  withDocker(image.command("build").description("Build one of Taskflock's images, or your own on top of one."))
    .argument("[folder]", "build your own image from this folder, by its Dockerfile (default: Taskflock's)")
    .addOption(
      flag("--target <name>", "cpu, gpu or notebook; of your own Dockerfile: a stage (default: cpu)", "IMAGE_TARGET"),
    )
    .option("--tag <name>", "what the image is called, name:tag; may be said more than once", again, none)
    .option("--file <dockerfile>", "your own Dockerfile (default: Dockerfile in the folder)")
    .option("--build-arg <name=value>", "argument of the Dockerfile; may be said more than once", again, none)
    .addOption(flag("--platform <os/arch>", "linux/amd64 or linux/arm64 (default: this machine's)", "IMAGE_PLATFORM"))
    .option("--pull", "look for newer bases")
    .option("--no-cache", "build every step anew")
    .addHelpText("after", buildHelp)
    .action(build);
  withDocker(image.command("push").description("Push an image to Amazon's ECR, or to another registry."))
    .argument("[image]", "its name here", "taskflock:latest")
    .addOption(flag("--repository <name>", "repository in ECR", "IMAGE_REPOSITORY").default("taskflock"))
    .option("--region <region>", "AWS region (default: AWS_REGION, or your profile's)")
    .option("--kms-key <arn>", "key that encrypts the repository, if it is made now (default: AWS's own)")
    .option("--to <registry/repository>", "a registry other than ECR")
    .option("--tag <tag>", "its tag there (default: as here)")
    .addHelpText("after", pushHelp)
    .action(push);
}

function withDocker(command: Command): Command {
  return command
    .addOption(flag("--docker <program>", "Docker's program", "DOCKER").default("docker"))
    .option("--json", "print one line of JSON");
}

async function build(folder: string | undefined, { docker, json, tag, ...flags }: BuildFlags): Promise<void> {
  const [{ buildImage }, { imageSources }, { packageFolder }] = await Promise.all([
    import("../image/build.ts"),
    import("../image/sources.ts"),
    import("../package-folder.ts"),
  ]);
  const options = {
    buildArgs: flags.buildArg,
    cache: flags.cache,
    pull: flags.pull === true,
    tags: tag,
    ...(flags.target === undefined ? {} : { target: flags.target }),
    ...(flags.platform === undefined ? {} : { platform: flags.platform }),
    ...(flags.file === undefined ? {} : { file: flags.file }),
    ...(folder === undefined ? {} : { context: folder }),
  };
  const built = await buildImage(await dockerAt(docker), () => imageSources(packageFolder), options);
  const { tags, platform, bytes } = built;
  printLine(json ? JSON.stringify(built) : `built ${tags.join(", ")} (${platform}, ${(bytes / 1e6).toFixed(0)} MB)`);
}

async function push(image: string, { docker, json, repository, ...flags }: PushFlags): Promise<void> {
  const { pushImage } = await import("../image/push.ts");
  const pushed = await pushImage(await dockerAt(docker), { image, repository, ...flags });
  const { registry, tag, digest, platform, created } = pushed;
  if (json) return printLine(JSON.stringify(pushed));
  if (created) printLine(`made the repository ${registry}`);
  printLine(`pushed ${registry}:${tag} (${platform})\n\n# for Terraform`);
  printLine(`docker_registry = "${registry}"\nimage_digest    = "${digest}"\n\n# for taskflock aws`);
  printLine(`--set dockerRegistry=${registry} --set imageDigest=${digest}`);
}

async function dockerAt(program: string): Promise<Docker> {
  const { Docker } = await import("../image/docker.ts");
  return new Docker(program);
}
