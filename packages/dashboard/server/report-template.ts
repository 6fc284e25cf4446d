// The page that shows a report, without a report: one file of the build.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { FlockError } from "@taskflock/protocol/words";

const FILE: string = fileURLToPath(new URL("../dist/report-template.html", import.meta.url));

/** Rejects with FLOCK_INTERNAL when it is not built. */
export async function reportTemplate(): Promise<string> {
  try {
    return await readFile(FILE, "utf8");
  } catch (cause) {
    const message = "The report's page is not built: `npm run build` in the repository makes it.";
    throw new FlockError("FLOCK_INTERNAL", message, { cause });
  }
}
