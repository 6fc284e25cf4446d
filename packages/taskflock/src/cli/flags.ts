import { Option } from "commander";
import { integer } from "../values.ts";

/** A flag that is also an environment variable, `TASKFLOCK_…`. */
export function flag(flags: string, description: string, variable: string): Option {
  return new Option(flags, description).env(`TASKFLOCK_${variable}`);
}

/** For parents that start this process; 0, 1 and 2 are the standard streams. */
export function descriptor(flags: string, description: string): Option {
  return new Option(flags, description).argParser(integer(3, 1023));
}
