// A real Chromium in front of a real cluster's page. Every page is watched: an error in its console, a request to another host, or
// something that the Content-Security-Policy refused fails the test that opened it.

import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import axe from "axe-core";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import type { LocalCluster } from "taskflock";
import { browserPath, missingBrowser } from "../../scripts/browser.mjs";

/** Why the tests of the page cannot run here; undefined when they can. */
export const missing: string | undefined = missingBrowser();

const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const cache = folder("../../node_modules/.cache/screenshots/");
const docs = folder("../../docs/images/");
/** Pictures that README and docs show (none with a path of the machine in it): written there when TASKFLOCK_SCREENSHOTS=1. All others, and without it, to the cache. */
const shown = new Set([
  ...["status-light", "status-dark", "status-phone", "crowd", "worker-lost", "graph"],
  ...["transfers", "search", "training", "report-light"],
]);

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

export interface View {
  readonly scheme?: "light" | "dark";
  readonly size?: { readonly width: number; readonly height: number };
}

/** A page, and what went wrong in it so far. */
export interface Watched {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly problems: readonly string[];
  /** Closes it, having thrown what went wrong. */
  close(): Promise<void>;
}

export function launchBrowser(): Promise<Browser> {
  // Root has no sandbox of its own to run in; containers have little shared memory.
  const args = process.getuid?.() === 0 ? ["--no-sandbox", "--disable-dev-shm-usage"] : [];
  const executablePath = browserPath();
  return chromium.launch({ args, ...(executablePath === undefined ? {} : { executablePath }) });
}

/** A window of its own at this address, with cookies of its own. */
export async function openPage(browser: Browser, url: string, view: View = {}): Promise<Watched> {
  const context = await browser.newContext({
    colorScheme: view.scheme ?? "light",
    viewport: view.size ?? DESKTOP,
    reducedMotion: "reduce",
    acceptDownloads: true,
  });
  const page = await context.newPage();
  const problems = watch(page, new URL(url).host);
  await page.goto(url);
  return {
    page,
    context,
    problems,
    close: async () => {
      await context.close();
      if (problems.length > 0) throw new Error(`The page had problems:\n${problems.join("\n")}`);
    },
  };
}

/** Signed in by a code of its own, at a path such as `/status/workers`. */
export async function openStatus(
  browser: Browser,
  cluster: LocalCluster,
  path = "/status",
  view: View = {},
): Promise<Watched> {
  const link = new URL(await cluster.dashboardLink());
  const to = new URL(path, link);
  to.searchParams.set("code", link.searchParams.get("code") ?? "");
  const watched = await openPage(browser, to.href, view);
  await watched.page.getByRole("banner").waitFor();
  return watched;
}

/** To another view, as a link of the page leads there: nothing is loaded anew. */
export async function goTo(page: Page, path: string): Promise<void> {
  const state = `history.pushState(null, "", ${JSON.stringify(path)})`;
  await page.evaluate(`${state}; dispatchEvent(new PopStateEvent("popstate"));`);
}

/** Refused requests (401, 403 …) are part of some tests: those say so by emptying the list. */
function watch(page: Page, host: string): string[] {
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(`error: ${error.stack ?? error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (/^(http|ws)/.test(url.protocol) && url.host !== host) problems.push(`a request to ${url.host}`);
  });
  return problems;
}

/** `NAME.png` of what is visible, or of the whole page. */
export async function picture(page: Page, name: string, fullPage = false): Promise<void> {
  const place = process.env["TASKFLOCK_SCREENSHOTS"] === "1" && shown.has(name) ? docs : cache;
  mkdirSync(place, { recursive: true });
  await page.screenshot({ path: `${place}${name}.png`, fullPage, animations: "disabled" });
}

/** What axe finds serious or critical: none, in a page that people with a screen reader can use. */
export async function seriousFindings(page: Page): Promise<string[]> {
  await page.evaluate(axe.source); // by the inspector, which the page's policy does not bind
  const violations = await page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run();
    return violations.map(({ id, impact, help, nodes }) => ({
      text: `${impact}: ${id}: ${help}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`,
      impact,
    }));
  });
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ text }) => text);
}
