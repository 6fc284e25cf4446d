// Terraform with the real AWS provider, offline: where both are, and a copy of terraform/ to work in.
import { type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../tidy/tree.ts";

const providers = "registry.terraform.io/hashicorp";

/** The first folder at or below `folder`, a few levels down, that is a mirror of providers with AWS's. */
function mirrorBelow(folder: string, depth: number): string | undefined {
  if (existsSync(join(folder, providers, "aws"))) return folder;
  if (depth === 0) return undefined;
  try {
    const below = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    for (const { name } of below) {
      const found = mirrorBelow(join(folder, name), depth - 1);
      if (found !== undefined) return found;
    }
  } catch {
    // Not there, or not for us to read.
  }
  return undefined;
}

/** A folder with the AWS provider, as `terraform init -plugin-dir` takes it. */
export function providerMirror(): string | undefined {
  const { TASKFLOCK_TERRAFORM_PLUGINS: named, TF_PLUGIN_CACHE_DIR: cache } = process.env;
  if (named !== undefined) return mirrorBelow(named, 0);
  const usual = [join(homedir(), ".terraform.d/plugins"), "/usr/local/share/terraform/plugins", "/opt"];
  for (const folder of [...(cache === undefined ? [] : [cache]), ...usual]) {
    const found = mirrorBelow(folder, 2);
    if (found !== undefined) return found;
  }
  return undefined;
}

export interface Ran {
  readonly code: number | null;
  /** stdout and stderr. */
  readonly output: string;
  readonly stdout: string;
}

/** Whether the program is on the path. */
export function has(program: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
}

export function runHere(program: string, args: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(program, args, { encoding: "utf8", timeout: 60_000 });
}

/** As `taskflock certs init certs` in the example's folder, or `renew`; the name of the authority's file. */
export function makeCertificates(terraform: Terraform, example: string, what: "init" | "renew" = "init"): string {
  const folder = join(terraform.folder, example, "certs");
  const cli = join(root, "packages/taskflock/dist/cli.js");
  const { status, stderr } = runHere(process.execPath, [cli, "certs", what, folder]);
  if (status !== 0) throw new Error(`taskflock certs ${what} failed: ${stderr}`);
  return join(folder, "ca.pem");
}

/** A folder with a copy of terraform/, and the program to run in it. */
export class Terraform {
  readonly folder: string = mkdtempSync(join(tmpdir(), "taskflock-terraform-"));
  readonly #mirror: string;

  constructor(mirror: string) {
    this.#mirror = mirror;
    const state = /\.terraform($|\/|\.lock)|\.tfstate/;
    cpSync(join(root, "terraform"), this.folder, { recursive: true, filter: (path) => !state.test(path) });
    // Nothing outside can be asked from where one comes: only this part is another in the copy.
    if (!existsSync(join(mirror, providers, "http"))) {
      const address = `output "cidr" {\n  value = "203.0.113.7/32"\n}\n`;
      writeFileSync(join(this.folder, "modules/caller-address/main.tf"), address);
    }
  }

  /** In a folder of the copy. Not synchronous, because the test may be what it talks to. */
  run(where: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Ran> {
    const env = { ...process.env, TF_CLI_CONFIG_FILE: "/dev/null", TF_IN_AUTOMATION: "1", CHECKPOINT_DISABLE: "1" };
    delete (env as NodeJS.ProcessEnv)["AWS_CA_BUNDLE"];
    const child = spawn("terraform", args, { cwd: join(this.folder, where), env: { ...env, ...environment } });
    let output = "";
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    return new Promise((resolve) => child.on("close", (code) => resolve({ code, output, stdout })));
  }

  init(where: string): Promise<Ran> {
    return this.run(where, ["init", "-no-color", "-input=false", `-plugin-dir=${this.#mirror}`]);
  }
}

/** Or why it cannot be had, in a line. */
export function findTerraform(): Terraform | string {
  if (!has("terraform")) return "terraform is not on the path";
  const mirror = providerMirror();
  if (mirror === undefined) {
    return "no AWS provider for Terraform: name a folder with registry.terraform.io/hashicorp/aws by TASKFLOCK_TERRAFORM_PLUGINS";
  }
  return new Terraform(mirror);
}
