// The context of a task, imported as any other name.
import { taskContext } from "taskflock";
import { program } from "../program.ts";

const attemptOf = () => taskContext().task.attempt;
const contextAfter = async (turns: number) => {
  for (let turn = 0; turn < turns; turn++) await null;
  const { signal, task } = taskContext();
  return [signal.aborted, attemptOf(), task.key.startsWith("ask")];
};
const outside = (() => {
  try {
    return taskContext().task.key;
  } catch (error) {
    return (error as { code?: string }).code;
  }
})();

program("task-context", [1, [false, 1, true], "FLOCK_NOT_IN_TASK"], async (client) => [
  await client.call(attemptOf, []),
  await client.call(contextAfter, [2], { name: "ask" }),
  outside,
]);
