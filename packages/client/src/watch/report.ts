// Reports: the scheduler's status page collects what happens, and answers with one file, which is written here.

import { rename, rm, writeFile } from "node:fs/promises";
import { askPage, parseAddress, type Trust } from "@taskflock/protocol";
import { type ErrorCode, errorRegistry, FlockError, isFlockError } from "@taskflock/protocol/words";
import { type Checks, checkOptions, describe, integerFrom, name } from "../option-checks.ts";
import type { QuestionHost } from "./lines.ts";

export interface ReportFileOptions {
  /** Stands above the report. */
  readonly title?: string;
  /** The status page, e.g. `http://10.0.0.5:8787`. Default: where the scheduler says that it is. */
  readonly dashboard?: string;
  /** It collects no longer than this, seconds. Default 3,600; at most 86,400. */
  readonly maxSeconds?: number;
}

export interface WrittenReport {
  readonly file: string;
  readonly bytes: number;
}

export interface ReportHost extends QuestionHost {
  /** The scheduler's, as host:port. */
  readonly address: string;
  readonly trust: Trust;
  /** What the status page wants to be shown. */
  readonly authorization: () => string;
}

const checks: Checks<ReportFileOptions> = {
  title: name,
  dashboard: (value) =>
    typeof value === "string" && baseOf(value) !== null ? null : "an address, such as http://HOST:8787",
  maxSeconds: (value) => integerFrom(1)(value) ?? ((value as number) <= 86_400 ? null : "at most 86400"),
};
const ANSWER_MS = 120_000;

/** What is remembered now. */
export async function writeReport(host: ReportHost, file: string, options?: ReportFileOptions): Promise<WrittenReport> {
  const { title = "", dashboard } = checkOptions("report", options, checks);
  const target = await openTarget(file);
  try {
    const page = await pageOf(host, dashboard);
    return await target.write(await ask(host, page, `report?title=${encodeURIComponent(title)}`));
  } catch (error) {
    await target.drop();
    throw error;
  }
}

/** What happens while `work` runs; written also when that throws, which is passed on. */
export async function reportWhile<R>(
  host: ReportHost,
  file: string,
  work: () => R | Promise<R>,
  options?: ReportFileOptions,
): Promise<R> {
  const { title = "", dashboard, maxSeconds = 3_600 } = checkOptions("report", options, checks);
  const target = await openTarget(file);
  const [page, id] = await begin(host, { title, seconds: maxSeconds }, dashboard).catch(async (error: unknown) => {
    await target.drop();
    throw error;
  });
  const finish = async (): Promise<void> => {
    // What was sent before is there once this is answered.
    await host.questions.ask({ q: "cluster" });
    await target.write(await ask(host, page, `reports/${id}`));
  };
  let result: R;
  try {
    result = await work();
  } catch (error) {
    await finish().catch((failure: unknown) => {
      process.emitWarning(`The report ${file} was not written: ${String(failure)}`);
      return target.drop();
    });
    throw error;
  }
  try {
    await finish();
  } catch (error) {
    await target.drop();
    throw error;
  }
  return result;
}

async function begin(
  host: ReportHost,
  body: { readonly title: string; readonly seconds: number },
  dashboard: string | undefined,
): Promise<readonly [URL, string]> {
  const page = await pageOf(host, dashboard);
  const answer = await ask(host, page, "reports", body);
  const { id } = (await answer.json()) as { readonly id: string };
  return [page, id];
}

interface Target {
  write(answer: Response): Promise<WrittenReport>;
  drop(): Promise<void>;
}

/** Sees at once whether the file can be written: not only after an hour of work. */
async function openTarget(file: string): Promise<Target> {
  if (typeof file !== "string" || file === "") {
    throw new FlockError("FLOCK_ARGUMENT_INVALID", `report takes the name of a file, not ${describe(file)}.`);
  }
  const unfinished = `${file}.${process.pid}.tmp`;
  const written = async (bytes: Uint8Array | string): Promise<void> => {
    await writeFile(unfinished, bytes).catch((cause: unknown) => {
      const message = `The report cannot be written to ${file}: ${cause instanceof Error ? cause.message : String(cause)}`;
      throw new FlockError("FLOCK_REPORT_NOT_WRITTEN", message, { cause });
    });
  };
  await written("");
  return {
    write: async (answer) => {
      const bytes = new Uint8Array(
        await answer.arrayBuffer().catch((cause: unknown) => unreachable(answer.url, cause)),
      );
      await written(bytes);
      await rename(unfinished, file).catch((cause: unknown) => {
        throw new FlockError("FLOCK_REPORT_NOT_WRITTEN", `The report cannot be put at ${file}.`, { cause });
      });
      return { file, bytes: bytes.length };
    },
    drop: () => rm(unfinished, { force: true }),
  };
}

async function pageOf({ questions, address }: ReportHost, dashboard: string | undefined): Promise<URL> {
  const said = dashboard ?? (await questions.ask({ q: "cluster" })).scheduler.dashboard;
  const page = said === null ? null : baseOf(said);
  if (page === null) {
    const message = `The scheduler at ${address} has no status page, or does not know it. Name it: report(file, { dashboard: "http://HOST:8787" }).`;
    throw new FlockError("FLOCK_NO_DASHBOARD", message);
  }
  // One that listens on all addresses of its machine is reached where the scheduler is.
  if (page.hostname === "0.0.0.0" || page.hostname === "[::]")
    page.hostname = new URL(parseAddress(address).url).hostname;
  return page;
}

function baseOf(text: string): URL | null {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return null;
  return new URL("/api/v1/", text);
}

/** GET, or POST with a body. Rejects with FLOCK_DASHBOARD_UNREACHABLE, and with what the page refuses with. */
async function ask(host: ReportHost, page: URL, path: string, body?: object): Promise<Response> {
  const url = new URL(path, page);
  const headers = { Authorization: host.authorization(), "Content-Type": "application/json" };
  const signal = AbortSignal.timeout(ANSWER_MS);
  const sent =
    body === undefined ? { headers, signal } : { method: "POST" as const, body: JSON.stringify(body), headers, signal };
  const answer = await askPage(url, sent, host.trust).catch((cause: unknown) => unreachable(url.href, cause));
  if (answer.ok) return answer;
  const { code, message } = (await answer.json().catch(() => ({}))) as { code?: unknown; message?: unknown };
  const said = `The status page at ${url.origin} refused: ${String(message ?? `${answer.status} ${answer.statusText}`)}`;
  const isKnown = typeof code === "string" && Object.hasOwn(errorRegistry, code);
  throw new FlockError(isKnown ? (code as ErrorCode) : "FLOCK_DASHBOARD_UNREACHABLE", said);
}

function unreachable(url: string, cause: unknown): never {
  if (isFlockError(cause)) throw cause;
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const why = inner instanceof Error ? inner.message : String(inner);
  const message = `The status page does not answer at ${url}: ${why}. Name the address that reaches it from here with dashboard.`;
  throw new FlockError("FLOCK_DASHBOARD_UNREACHABLE", message, { cause });
}
