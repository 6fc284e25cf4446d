import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The Terraform module: beside the code as it is installed, or the checkout's. */
export function terraformModule(): string {
  const installed = fileURLToPath(new URL("./terraform", import.meta.url));
  return existsSync(installed) ? installed : fileURLToPath(new URL("../../../terraform", import.meta.url));
}
