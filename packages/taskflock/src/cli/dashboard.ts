import type { Command } from "commander";
import { printLine } from "../process.ts";
import type { DashboardFlags } from "../roles/dashboard.ts";
import { toOption } from "./flags.ts";
import { asking, type PlaceFlags, withPlace } from "./place.ts";
import { dashboardFlags } from "./scheduler-flags.ts";

/** `taskflock dashboard [ADDRESS]`. */
export function addDashboardCommand(program: Command): void {
  const command = program
    .command("dashboard")
    .description(
      "Serve the page of the scheduler at ADDRESS (default: 127.0.0.1:8786) from a process of its own. The scheduler serves one itself, too.",
    )
    .argument("[address]", "the scheduler, as host:port (environment: TASKFLOCK_ADDRESS)");
  for (const flag of dashboardFlags) command.addOption(toOption(flag));
  command.action(async (address: string | undefined, flags: DashboardFlags) => {
    const { runDashboard } = await import("../roles/dashboard.ts");
    await runDashboard(address ?? process.env["TASKFLOCK_ADDRESS"] ?? "127.0.0.1:8786", flags);
  });
}

/** `taskflock link`: the page's address, with a code that signs in. */
export function addLinkCommand(program: Command): void {
  const command = program
    .command("link")
    .description("Print a link to a cluster's page that signs in who opens it first, within ten minutes.");
  withPlace(command).action(async (flags: PlaceFlags) => {
    const link = await asking("taskflock link", flags, async (client) => {
      const { pageLink } = await import("../page-link.ts");
      return pageLink(client, flags);
    });
    if (link !== undefined) printLine(link);
  });
}
