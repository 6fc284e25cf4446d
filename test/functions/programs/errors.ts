// What a task throws arrives as it was thrown: class name, message, cause, fields of its own.
import { program } from "../program.ts";

const limitOf = { disk: 10 };

class QuotaError extends Error {
  override readonly name: string = "QuotaError";
  readonly code = "QUOTA";
  readonly used: number;
  constructor(message: string, used: number, options?: ErrorOptions) {
    super(message, options);
    this.used = used;
  }
}

const store = (size: number) => {
  if (size <= limitOf.disk) return size;
  try {
    new Array(-size);
  } catch (cause) {
    throw new QuotaError(`${size} exceeds ${limitOf.disk}`, size, { cause });
  }
  return 0;
};
const failTogether = async () => {
  throw new AggregateError([new QuotaError("a", 1), new TypeError("b")], "both failed");
};
const caught = (size: number) => {
  try {
    return store(size);
  } catch (error) {
    return error instanceof QuotaError ? error.used : null;
  }
};

program(
  "errors",
  {
    thrown: ["QuotaError", "11 exceeds 10", "QUOTA", 11, true, "RangeError", "Invalid array length"],
    together: ["AggregateError", "both failed", "QuotaError: a", "TypeError: b"],
    caught: 12,
    stored: 5,
  },
  async (client) => {
    const thrown = (await client.submit(store, [11]).error()) as QuotaError | null;
    const cause = thrown?.cause as Error;
    const together = (await client.submit(failTogether, []).error()) as AggregateError | null;
    return {
      thrown: [
        thrown?.name,
        thrown?.message,
        thrown?.code,
        thrown?.used,
        thrown instanceof Error,
        cause.name,
        cause.message,
      ],
      together: [together?.name, together?.message, ...(together?.errors ?? []).map(String)],
      caught: await client.call(caught, [12]),
      stored: await client.call(store, [5]),
    };
  },
);
