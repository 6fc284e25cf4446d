import type { Command } from "commander";
import type { Examined } from "../doctor.ts";
import { printLine } from "../process.ts";
import { flag } from "./flags.ts";

/** `taskflock doctor`: does everything that Taskflock needs work here? */
export function addDoctorCommand(program: Command): void {
  program
    .command("doctor")
    .description(
      "Check this machine: Node, memory, ports, a cluster of its own that runs a task; with --address also that scheduler, and the versions of its workers.",
    )
    .addOption(flag("--address <address>", "a scheduler to check too, as host:port", "ADDRESS"))
    .addOption(flag("--token-file <file>", "file that holds its token", "TOKEN_FILE"))
    .addOption(flag("--tls-ca <file>", "use TLS; file with the CA that signed its certificate", "TLS_CA"))
    .action(async (flags: Examined) => {
      const { examine } = await import("../doctor.ts");
      const findings = await examine(flags);
      for (const { ok, what, advice } of findings)
        printLine(`${ok ? "ok  " : "FAIL"}  ${what}${advice === "" ? "" : `\n      ${advice}`}`);
      if (findings.some((finding) => !finding.ok)) process.exitCode = 1;
    });
}
