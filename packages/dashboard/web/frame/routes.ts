// Addresses under /status and the pages that they name. No DOM.

export interface Match<P> {
  readonly page: P;
  readonly params: Readonly<Record<string, string>>;
}

export const BASE = "/status";

/** `pattern` such as "/workers/:name"; undefined when the path is another. */
export function matchPath(pattern: string, path: string): Readonly<Record<string, string>> | undefined {
  const wanted = pattern.split("/").filter((part) => part !== "");
  const parts = path.split("/").filter((part) => part !== "");
  if (wanted.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = parts[index]!;
    if (!part.startsWith(":")) {
      if (part !== value) return undefined;
      continue;
    }
    try {
      params[part.slice(1)] = decodeURIComponent(value);
    } catch {
      return undefined; // "%" without its digits
    }
  }
  return params;
}

/** The page of an address such as "/status/workers/a"; undefined when there is none. */
export function findPage<P extends { readonly path: string }>(
  pages: readonly P[],
  pathname: string,
): Match<P> | undefined {
  if (pathname !== BASE && !pathname.startsWith(`${BASE}/`)) return undefined;
  for (const page of pages) {
    const params = matchPath(page.path, pathname.slice(BASE.length));
    if (params !== undefined) return { page, params };
  }
  return undefined;
}

/** The address of a page: `href("workers", name)` → "/status/workers/a%20b". */
export function href(...parts: readonly (string | number)[]): string {
  return [BASE, ...parts.map((part) => encodeURIComponent(part))].join("/");
}
