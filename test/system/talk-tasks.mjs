// A task of talk.test.ts: a module that Node itself loads, so that the class is registered where the worker encodes.

import { registerClass, taskContext } from "taskflock";

/** Reports what only the worker knows, and when it is told to go on, what all can read. */
export async function odd() {
  class Odd {
    one = 1;
  }
  registerClass(Odd, { name: "talk.test/Odd" });
  const { report, onTell } = taskContext();
  report(new Odd(), { quiet: true });
  await new Promise((resolve) => onTell(resolve));
  report("read", { quiet: true });
}
