// The shown address as a signal: links within the page change it without loading anything.

import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { BASE } from "./routes.ts";

const current = signal(new URL(location.href));

export const address: ReadonlySignal<URL> = current;
export const pathname: ReadonlySignal<string> = computed(() => current.value.pathname);

/** Goes to an address of this page. */
export function go(to: string): void {
  const url = new URL(to, location.href);
  if (url.href !== location.href) history.pushState(null, "", url);
  current.value = url;
}

/** Changes what follows "?" in the address without a step in the history: filters, the selected tab. Empty values are left out. */
export function setQuery(values: Readonly<Record<string, string>>): void {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(values)) {
    if (value === "") url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  history.replaceState(null, "", url);
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

/** Takes over clicks on links to pages, and the browser's back and forward. */
export function followLinks(): void {
  addEventListener("popstate", () => {
    current.value = new URL(location.href);
  });
  document.addEventListener("click", (event) => {
    const link = linkOf(event);
    if (link === undefined || link.origin !== location.origin) return;
    if (link.pathname !== BASE && !link.pathname.startsWith(`${BASE}/`)) return;
    // The skip link and the like stay where they are.
    if (link.hash !== "" && link.pathname === location.pathname) return;
    event.preventDefault();
    go(link.href);
  });
}
