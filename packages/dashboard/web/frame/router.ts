// The shown address as a signal: links within the page change it without loading anything.

import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { isReport } from "./report-mode.ts";
import { BASE } from "./routes.ts";

const current = signal(here());

export const address: ReadonlySignal<URL> = current;
export const pathname: ReadonlySignal<string> = computed(() => current.value.pathname);

/** A report is a file: the address of its view stands after "#". */
function here(): URL {
  return isReport ? new URL(location.hash.slice(1) || `${BASE}/summary`, "file:///") : new URL(location.href);
}

function shownAs(url: URL): string {
  return isReport ? `#${url.pathname}${url.search}` : url.href;
}

/** Goes to an address of this page. */
export function go(to: string): void {
  const url = new URL(to, current.value);
  if (url.href !== current.value.href) history.pushState(null, "", shownAs(url));
  current.value = url;
}

/** Changes what follows "?" in the address without a step in the history: filters, the selected tab. Empty values are left out. */
export function setQuery(values: Readonly<Record<string, string>>): void {
  const url = new URL(current.value);
  for (const [name, value] of Object.entries(values)) {
    if (value === "") url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  history.replaceState(null, "", shownAs(url));
  current.value = url;
}

/** One of those values; "" when it is not there. */
export function queryValue(name: string): string {
  return current.value.searchParams.get(name) ?? "";
}

function linkOf(event: MouseEvent): HTMLAnchorElement | undefined {
  const isPlain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  if (!isPlain || event.defaultPrevented || !(event.target instanceof Element)) return undefined;
  const link = event.target.closest("a");
  return link === null || link.target !== "" || link.hasAttribute("download") ? undefined : link;
}

/** Which view a link leads to, or in a report which part ("#main") of the view; null when it leads elsewhere. */
function targetOf(link: HTMLAnchorElement): string | null {
  const to = link.getAttribute("href") ?? "";
  if (isReport) return to === BASE || /^(#|\/status\/)/.test(to) ? to : null;
  if (link.origin !== location.origin) return null;
  if (link.pathname !== BASE && !link.pathname.startsWith(`${BASE}/`)) return null;
  // The skip link and the like stay where they are.
  return link.hash !== "" && link.pathname === location.pathname ? null : link.href;
}

/** Takes over clicks on links to pages, and the browser's back and forward. */
export function followLinks(): void {
  addEventListener("popstate", () => {
    current.value = here();
  });
  document.addEventListener("click", (event) => {
    const link = linkOf(event);
    const to = link === undefined ? null : targetOf(link);
    if (to === null) return;
    event.preventDefault();
    if (to.startsWith("#")) document.getElementById(to.slice(1))?.focus();
    else go(to);
  });
}
