import { Option } from "commander";
import { integer } from "../values.ts";

const OFF: ReadonlySet<string> = new Set(["", "0", "false", "no", "off"]);

/** A flag that is also an environment variable, `TASKFLOCK_…`. One without a value is off when the variable says so. */
export function flag(flags: string, description: string, variable: string): Option {
  const option = new Option(flags, description);
  const name = `TASKFLOCK_${variable}`;
  const told = process.env[name]?.toLowerCase();
  // The parser would take any value of the variable for "on".
  if (!flags.includes("<") && told !== undefined && OFF.has(told)) delete process.env[name];
  return option.env(name);
}

/** For parents that start this process; 0, 1 and 2 are the standard streams. */
export function descriptor(flags: string, description: string): Option {
  return new Option(flags, description).argParser(integer(3, 1023));
}
