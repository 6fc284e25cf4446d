import { fileURLToPath } from "node:url";
import type { RoleCommand } from "@taskflock/cluster";

const cli = fileURLToPath(new URL("./cli.js", import.meta.url));

/** What starts this package's CLI. */
export const roleCommand: RoleCommand = { command: process.execPath, args: [cli] };
