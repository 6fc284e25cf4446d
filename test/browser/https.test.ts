// The page over TLS, with the cookie that a browser keeps for https alone.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startRole, taskflock } from "../system/processes.ts";
import { launchBrowser, missing } from "./harness.ts";

test.skipIf(missing !== undefined)("a link signs in, and the page shows what happens as it happens", async () => {
  const folder = mkdtempSync(join(tmpdir(), "taskflock-https-"));
  const certs = join(folder, "certs");
  await taskflock(["certs", "init", certs]);
  const secured = ["--tls-cert", join(certs, "scheduler.pem"), "--tls-key", join(certs, "scheduler-key.pem")];
  const env = { XDG_STATE_HOME: folder };
  const scheduler = await startRole(["scheduler", "--port", "0", "--dashboard-port", "0", ...secured], { env });
  const browser = await launchBrowser();
  try {
    const { address, tokenFile } = scheduler.ready;
    const asked = ["--address", address, "--token-file", tokenFile, "--tls-ca", join(certs, "ca.pem")];
    const { stdout: link } = await taskflock(["link", ...asked]);
    expect(link).toMatch(/^https:/);
    // The browser does not know the cluster's authority, as others do not.
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    const problems: string[] = [];
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    await page.goto(link.trim());
    await page.getByRole("banner").waitFor();
    expect(await context.cookies()).toMatchObject([{ secure: true, httpOnly: true, sameSite: "Strict" }]);
    const worker = await startRole(["worker", address, ...asked.slice(2), "--name", "ada", "--no-nanny"]);
    await page.goto(new URL("/status/workers", link).href);
    await page.getByText("ada").first().waitFor();
    expect(problems).toEqual([]);
    await worker.stop();
  } finally {
    await browser.close();
    await scheduler.stop();
    rmSync(folder, { recursive: true });
  }
});
