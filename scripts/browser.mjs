// The browser that the tests of the page drive: Chromium of the system. TASKFLOCK_CHROMIUM names another.
import { howToGet, installPackages, programPath } from "./debian.mjs";

const programs = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
const packages = ["chromium"];

/** Its path, or undefined where there is none. */
export function browserPath() {
  const named = process.env.TASKFLOCK_CHROMIUM ?? "";
  if (named !== "") return named;
  return programs.map(programPath).find((path) => path !== undefined);
}

/** What is missing on this machine, and how to get it; undefined when nothing is. */
export function missingBrowser() {
  if (browserPath() !== undefined) return undefined;
  return `${howToGet("Chromium", packages)}, or set TASKFLOCK_CHROMIUM to the path of one`;
}

/** As a step of `npm test`. */
export const installBrowser = () => installPackages(packages, missingBrowser());
