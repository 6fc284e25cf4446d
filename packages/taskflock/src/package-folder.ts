import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Where this package is installed. */
export const packageFolder: string = realpathSync(fileURLToPath(new URL("..", import.meta.url)));
