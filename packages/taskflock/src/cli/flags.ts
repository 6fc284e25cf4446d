import { Option } from "commander";
import { addedTo, type Flag, isOff } from "./flag-table.ts";

/** A flag that is also an environment variable, `TASKFLOCK_…`. One without a value is off when the variable says so. */
export function flag(flags: string, description: string, variable: string): Option {
  const option = new Option(flags, description);
  const name = `TASKFLOCK_${variable}`;
  // The parser would take any value of the variable for "on".
  if (!flags.includes("<") && isOff(process.env[name])) delete process.env[name];
  return option.env(name);
}

/** A flag of a table, for commander. */
export function toOption({ flags, description, variable, preset, presetText, parse, choices, repeats }: Flag): Option {
  const option = variable === undefined ? new Option(flags, description) : flag(flags, description, variable);
  if (preset !== undefined) option.default(preset, presetText);
  if (parse !== undefined && repeats === true) {
    // Commander begins with the preset, which what is said replaces.
    option.argParser((text, before) => addedTo(before === preset ? undefined : before, parse(text)));
  } else if (parse !== undefined) option.argParser(parse);
  if (choices !== undefined) option.choices(choices);
  return option;
}
