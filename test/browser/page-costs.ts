// What a page costs its browser, as Chromium itself counts it.

import { readFileSync } from "node:fs";
import type { Browser, CDPSession, Page } from "playwright-core";

export interface PageCosts {
  readonly seconds: number;
  /** Shares of one core: JavaScript alone, and all that the page's main thread did. */
  readonly scriptShare: number;
  readonly threadShare: number;
  /** The most that was seen, bytes: JavaScript's heap, and the whole renderer process (its proportional set). */
  readonly heapBytes: number;
  readonly residentBytes: number;
  /** What came over the page's WebSockets: messages, bytes in all, and the largest. */
  readonly messages: number;
  readonly receivedBytes: number;
  readonly largestMessage: number;
}

/** Watches the page while `work` runs; looks at its memory twice a second. */
export async function costsOf(browser: Browser, page: Page, work: () => Promise<void>): Promise<PageCosts> {
  const session = await page.context().newCDPSession(page);
  await Promise.all([session.send("Performance.enable"), session.send("Network.enable")]);
  const received: number[] = [];
  session.on("Network.webSocketFrameReceived", ({ response }) => received.push(response.payloadData.length));
  const renderers = await rendererPids(browser);
  let heapBytes = 0;
  let residentBytes = 0;
  const look = async (): Promise<void> => {
    heapBytes = Math.max(heapBytes, (await metrics(session))["JSHeapUsedSize"] ?? 0);
    residentBytes = Math.max(residentBytes, ...renderers.map(resident));
  };
  const before = await metrics(session);
  const timer = setInterval(() => void look().catch(() => undefined), 500);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  await look();
  const after = await metrics(session);
  const grown = (name: string): number => (after[name] ?? 0) - (before[name] ?? 0);
  const seconds = grown("Timestamp");
  return {
    seconds,
    scriptShare: grown("ScriptDuration") / seconds,
    threadShare: grown("TaskDuration") / seconds,
    heapBytes,
    residentBytes,
    messages: received.length,
    receivedBytes: received.reduce((sum, length) => sum + length, 0),
    largestMessage: Math.max(0, ...received),
  };
}

async function metrics(session: CDPSession): Promise<Record<string, number>> {
  const { metrics } = await session.send("Performance.getMetrics");
  return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
}

async function rendererPids(browser: Browser): Promise<number[]> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  return processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id);
}

/** Its private memory, and its share of what it shares with Chromium's other processes; 0 where the system does not tell. */
function resident(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
