// Takes a cluster down, whatever is left of it, and says what it cost.

import { removeContext } from "@taskflock/protocol/links";
import { terraformModule } from "../terraform-module.ts";
import type { AwsStack } from "./cluster.ts";
import { dollars } from "./cost.ts";
import { costNow } from "./status.ts";

export interface DownOptions {
  readonly confirm: () => Promise<boolean>;
}

/** False: the answer was no. Rejects with FLOCK_TERRAFORM_…; what is left then is known still. */
export async function down(cluster: AwsStack, { confirm }: DownOptions): Promise<boolean> {
  const { stack, say, profile } = cluster;
  const images =
    profile.dockerRegistry === null ? "its images and its token, too" : "its token, too; images stay where they are";
  say(`${stack.name} in ${profile.region}: everything that was made for it is removed, ${images}.`);
  if (!(await confirm())) return false;
  // Whatever stands in the way of that, machines that go on cost more.
  const cost = await costNow(cluster).catch((error: unknown) => (error as Error).message);
  // What is there may be half. Files that the profile names may be gone, and nothing of them is needed.
  const gone = { certificates: null, ssh_public_key_file: null };
  stack.configure(terraformModule(), profile, { token_version: 1, admin_cidrs: [], ...gone });
  const terraform = cluster.terraform();
  await terraform.must(["init", "-input=false", "-no-color"]);
  await terraform.must(["destroy", "-input=false", "-no-color", "-lock-timeout=60s", "-auto-approve"], { show: true });
  stack.remove();
  removeContext(stack.name);
  if (typeof cost === "string") say(`${stack.name} is gone. What it cost is not known: ${cost}`);
  else
    say(
      `${stack.name} is gone. Its machines cost ${dollars(cost.spent)}${cost.unknown.length > 0 ? `, without ${cost.unknown.join(", ")}` : ""}; disks and traffic come on top.`,
    );
  return true;
}
