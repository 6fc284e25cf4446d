// From a place in a script to the place in what it was compiled from. Maps are read and parsed when an error first needs
// them.

import { readFileSync } from "node:fs";
import { SourceMap, type SourceMapPayload } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Position, PositionScript } from "./positions.ts";

interface ReadMap {
  readonly map: SourceMap;
  /** What the names of sources are relative to. */
  readonly base: string;
}

const read = new WeakMap<PositionScript, ReadMap | null>();

/** The script's own place where it has no source map, or where that says nothing of the place. Never throws. */
export function originalPosition(script: PositionScript, line: number, column: number): Position {
  const source = mapOf(script);
  const entry = source === null ? undefined : findEntry(source.map, line, column);
  if (source === null || entry === undefined) return { file: asPath(script.url), line, column };
  const file = asPath(resolve(entry.originalSource, source.base));
  return { file, line: entry.originalLine, column: entry.originalColumn };
}

type Entry = Exclude<ReturnType<SourceMap["findEntry"]>, Record<string, never>>;

/** How far behind a place the next one that was written by somebody is looked for. */
const MAX_AHEAD = 256;

/** A line begins with white space, which no map has: then what stands next in it counts. */
function findEntry(map: SourceMap, line: number, column: number): Entry | undefined {
  let entry = entryAt(map, line, column);
  for (let ahead = 1; entry === undefined && ahead <= MAX_AHEAD; ahead *= 2) entry = entryAt(map, line, column + ahead);
  return entry;
}

/** What is found on another line says nothing of this one. */
function entryAt(map: SourceMap, line: number, column: number): Entry | undefined {
  try {
    const entry = map.findEntry(line, column) as Partial<Entry>;
    const isThere = entry.generatedLine === line && typeof entry.originalSource === "string";
    return isThere && Number.isInteger(entry.originalLine) ? (entry as Entry) : undefined;
  } catch {
    return undefined; // a map that cannot be read is parsed when it is first asked
  }
}

function mapOf(script: PositionScript): ReadMap | null {
  const known = read.get(script);
  if (known !== undefined) return known;
  const map = readMap(script);
  read.set(script, map);
  return map;
}

/** Null when there is none, or none that can be read: then the script itself is shown. */
function readMap({ url, sourceMapUrl }: PositionScript): ReadMap | null {
  if (sourceMapUrl === "") return null;
  try {
    const scriptUrl = asUrl(url);
    if (sourceMapUrl.startsWith("data:")) return { map: parse(dataOf(sourceMapUrl)), base: scriptUrl };
    const base = new URL(sourceMapUrl, scriptUrl);
    if (base.protocol !== "file:") return null;
    return { map: parse(readFileSync(base, "utf8")), base: base.href };
  } catch {
    return null;
  }
}

/** A map may consist of others (the specification's index maps); Node's types do not say so. */
interface Payload extends Partial<SourceMapPayload> {
  readonly sections?: readonly { readonly map: Payload }[];
}

function parse(text: string): SourceMap {
  // Some servers put a line before the map, so that it does not run as a script.
  const payload = JSON.parse(text.startsWith(")]}'") ? text.slice(text.indexOf("\n")) : text) as Payload;
  return new SourceMap(withRoots(payload) as SourceMapPayload);
}

/** With `sourceRoot` in its place, which Node's class leaves out. */
function withRoots(payload: Payload): Payload {
  const { sections, sourceRoot, sources } = payload;
  if (Array.isArray(sections)) {
    return { ...payload, sections: sections.map((section) => ({ ...section, map: withRoots(section.map) })) };
  }
  if (!sourceRoot || !Array.isArray(sources)) return payload;
  const root = sourceRoot.endsWith("/") ? sourceRoot : `${sourceRoot}/`;
  const rooted = sources.map((source) => (isAbsolute(source) ? source : `${root}${source}`));
  return { ...payload, sourceRoot: "", sources: rooted };
}

function dataOf(url: string): string {
  const comma = url.indexOf(",");
  const data = url.slice(comma + 1);
  const isBase64 = url.slice(0, comma).endsWith(";base64");
  return isBase64 ? Buffer.from(data, "base64").toString() : decodeURIComponent(data);
}

function resolve(source: string, base: string): string {
  if (isWindowsPath(source)) return source;
  return URL.canParse(source, base) ? new URL(source, base).href : source;
}

function isAbsolute(source: string): boolean {
  return source.startsWith("/") || isWindowsPath(source) || URL.canParse(source);
}

function isWindowsPath(text: string): boolean {
  return /^[a-z]:[\\/]/i.test(text);
}

function asUrl(scriptUrl: string): string {
  const isPath = scriptUrl.startsWith("/") || isWindowsPath(scriptUrl);
  return isPath ? pathToFileURL(scriptUrl).href : scriptUrl;
}

/**
 * A path rather than a `file://` URL, also for modules: terminals and editors make `/app/main.ts:10:5` a link to the
 * line, and not all of them do so with a URL. Queries, which loaders add to load a module anew, are left out.
 */
export function asPath(url: string): string {
  if (!url.startsWith("file://")) return url;
  try {
    return fileURLToPath(url.replace(/[?#].*$/, ""));
  } catch {
    return url;
  }
}
