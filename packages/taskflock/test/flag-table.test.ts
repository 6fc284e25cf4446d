// The roles' command lines are read without commander where they are plain. Both must read the same.
import { Command } from "commander";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type CommandLine, type Flag, readFlags } from "../src/cli/flag-table.ts";
import { toOption } from "../src/cli/flags.ts";
import { schedulerFlags } from "../src/cli/scheduler-flags.ts";
import { workerFlags } from "../src/cli/worker-flags.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

/** What commander makes of it; null when it refuses. */
function byCommander(table: readonly Flag[], args: readonly string[]): CommandLine | null {
  const command = new Command()
    .argument("[operands...]")
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  for (const flag of table) command.addOption(toOption(flag));
  try {
    command.parse([...args], { from: "user" });
  } catch {
    return null;
  }
  return { operands: command.args, flags: command.opts() };
}

const texts = fc.constantFrom(
  ...[
    "0",
    "1",
    "8786",
    "65536",
    "-1",
    "1.5",
    "",
    "x",
    "2GiB",
    "90s",
    "10",
    "GPU=1,disk=0.5",
    "GPU",
    "auto",
    "1/2",
    "info",
    "loud",
    "127.0.0.1",
  ],
  ...["--", "-h", "--help", "false", "no", "OFF", "yes", "a b", "ä"],
);

const words = (table: readonly Flag[]): fc.Arbitrary<string[]> => {
  const names = table.map(({ flags }) => flags.split(" ")[0] ?? "");
  const unusual = fc.constantFrom("--nothing", "-h", "--help", "--", "--port=1", "--no-insecure", "--threads=2");
  const name = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...names) }, { weight: 1, arbitrary: unusual });
  return fc
    .array(fc.oneof({ weight: 3, arbitrary: fc.tuple(name, texts) }, fc.tuple(name), fc.tuple(texts)), { maxLength: 6 })
    .map((groups) => groups.flat());
};

const environments = (table: readonly Flag[]): fc.Arbitrary<Record<string, string>> =>
  fc.dictionary(
    fc.constantFrom(...table.flatMap(({ variable }) => (variable === undefined ? [] : [`TASKFLOCK_${variable}`]))),
    texts,
    { maxKeys: 3 },
  );

describe.each([
  ["scheduler", schedulerFlags],
  ["worker", workerFlags],
] as const)("the flags of a %s", (_, table) => {
  it("mean what they mean to commander, whatever is written", () => {
    let plain = 0;
    fc.assert(
      fc.property(words(table), environments(table), (args, environment) => {
        for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
        const read = readFlags(table, args);
        if (read !== null) {
          plain++;
          expect(read).toEqual(byCommander(table, args));
        }
        vi.unstubAllEnvs();
      }),
      { seed: 1, numRuns: 2000 },
    );
    expect(plain).toBeGreaterThan(200);
  });

  it("are read at once when they are plain", () => {
    for (const { flags, parse, choices } of table) {
      const name = flags.split(" ")[0] ?? "";
      const value =
        choices?.[0] ?? (["4", "GPU=1", "1MiB", "1h", "0.5", "1/2"].find((text) => takes(parse, text)) as string);
      const args = flags.includes("<") ? [name, value] : [name];
      expect(readFlags(table, args, {}), flags).toEqual(byCommander(table, args));
      expect(readFlags(table, args, {}), flags).not.toBeNull();
    }
  });

  it("leave to commander what is unknown, wrong or asks for help", () => {
    for (const args of [["--help"], ["-h"], ["--nothing"], ["--port", "x"], ["--port"], ["--port=1"], ["--"]]) {
      expect(readFlags(table, args, {})).toBeNull();
    }
    expect(readFlags(table, [], { TASKFLOCK_LOG_LEVEL: "loud" })).toBeNull();
  });
});

function takes(parse: Flag["parse"], text: string): boolean {
  try {
    parse?.(text);
    return true;
  } catch {
    return false;
  }
}
