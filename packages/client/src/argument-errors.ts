// Why a call cannot be encoded.

import { FlockError } from "@taskflock/protocol";
import type { FunctionUse } from "./function-table.ts";

export function capturedFuture({ fn }: FunctionUse, path: string): FlockError {
  return new FlockError(
    "FLOCK_FUNCTION_NOT_SERIALIZABLE",
    `The function ${fn.name || "(anonymous)"} cannot travel to a worker: ${path} is a future; pass it as an argument, and the function gets its value.`,
  );
}

export function calledClass({ fn }: FunctionUse): FlockError {
  const name = fn.name || "it";
  return new FlockError(
    "FLOCK_ARGUMENT_INVALID",
    `${fn.name || "What is to be called"} is a class, which is not called as a function is; pass (…args) => new ${name}(…args), and return plain data.`,
  );
}

export function actorGiven(path: string): FlockError {
  return new FlockError(
    "FLOCK_NOT_SERIALIZABLE",
    `${path} is the handle of an actor, which belongs to its client: pass actorKey(actor), and call (await taskClient()).getActor(key) where it is used; or pass the future of a call.`,
  );
}

export function tooLarge(bytes: number, limit: number): FlockError {
  const mib = (count: number): string => `${(count / 1024 ** 2).toFixed(1)} MiB`;
  return new FlockError(
    "FLOCK_TOO_LARGE",
    `The arguments take ${mib(bytes)}, of which no part could travel on its own; at most ${mib(limit)} can. Use typed arrays, pass large data as arguments without futures or functions in them, or client.scatter() them first.`,
  );
}
