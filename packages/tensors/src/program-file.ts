// Programs of this package that run as processes of their own.
import { fileURLToPath } from "node:url";

/** Its file in `dist`, which lies beside the bundled code, and beside the sources' folder. */
export function programFile(name: string): string {
  return fileURLToPath(new URL(`../dist/${name}.js`, import.meta.url));
}
