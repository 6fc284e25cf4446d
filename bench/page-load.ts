// `npm run bench:page`: what the status page costs its browser in front of a large cluster: 1,000 workers of 2 slots (real links to a
// real scheduler; their slots only wait), 200,000 tasks. Prints one line of JSON for the Status view.

import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { readToken } from "@taskflock/protocol/links";
import { Client } from "taskflock";
import { Crowd } from "../test/browser/crowd.ts";
import { launchBrowser, missing, openPage } from "../test/browser/harness.ts";
import { costsOf } from "../test/browser/page-costs.ts";
import { startRole } from "../test/system/processes.ts";

const { values } = parseArgs({
  options: {
    workers: { type: "string", default: "1000" },
    tasks: { type: "string", default: "200000" },
    seconds: { type: "string", default: "30" },
    view: { type: "string", default: "/status" },
  },
});

async function main(): Promise<void> {
  if (missing !== undefined) throw new Error(missing);
  const [workers, tasks, seconds] = [Number(values.workers), Number(values.tasks), Number(values.seconds)];
  const scheduler = await startRole(["scheduler", "--port", "0", "--dashboard-port", "0", "--log-level", "error"]);
  const { address, dashboard } = scheduler.ready as { address: string; dashboard: string };
  const token = readToken({ address });
  const crowd = await Crowd.start({ address, token, workers, slots: 2, taskMs: [100, 2000], seed: 1 });
  const client = await Client.connect(address);
  const browser = await launchBrowser();
  try {
    submit(client, tasks);
    const { page } = await openPage(browser, dashboard);
    await page.getByLabel("The cluster's token").fill(token);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("banner").waitFor();
    await page.goto(new URL(values.view, dashboard).href);
    await sleep(5_000);
    const costs = await costsOf(browser, page, () => sleep(seconds * 1000));
    console.log(JSON.stringify({ view: values.view, workers, tasks, finished: crowd.finished, ...costs }));
  } finally {
    await browser.close();
    await client.close();
    await crowd.close();
    await scheduler.stop();
  }
}

/** Of five functions, in one run each. */
function submit(client: Client, tasks: number): void {
  const functions = [
    function load(x: number) {
      return x;
    },
    function clean(x: number) {
      return x;
    },
    function features(x: number) {
      return x;
    },
    function fit(x: number) {
      return x;
    },
    function score(x: number) {
      return x;
    },
  ];
  const share = Math.ceil(tasks / functions.length);
  const items = Array.from({ length: share }, (_, index) => index);
  for (const fn of functions) void Promise.allSettled(client.map(fn, items).map((future) => future.result()));
}

await main();
