// What `taskflock doctor` looks at. Each check says what it found and, when that is wrong, what to do.

import { createServer } from "node:net";
import { availableParallelism, freemem, totalmem } from "node:os";
import { Client } from "@taskflock/client";
import { readTrust, usesTls } from "@taskflock/protocol/links";
import { day, expiryWarning } from "./certs/describe.ts";
import { shownCertificate } from "./certs/shown-certificate.ts";
import { formatBytes } from "./format.ts";
import { LocalCluster } from "./local-cluster.ts";
import { version } from "./version.ts";

export interface Finding {
  readonly ok: boolean;
  readonly what: string;
  /** What to do about it; empty when all is well. */
  readonly advice: string;
}

export interface Examined {
  readonly address?: string;
  readonly tokenFile?: string;
  readonly tlsCa?: string;
}

/** Runs every check; never rejects. */
export async function examine(examined: Examined): Promise<Finding[]> {
  const findings = [
    checkNode(),
    checkMemory(),
    await checkPort(8786),
    await checkPort(8787),
    await checkLocalCluster(),
  ];
  const { address } = examined;
  if (address !== undefined) {
    findings.push(...(await checkScheduler(address, examined)));
    if (usesTls(address, readTrust(examined.tlsCa))) findings.push(...(await checkCertificate(address)));
  }
  return findings;
}

function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const ok = major > 20 || (major === 20 && minor >= 19);
  return {
    ok,
    what: `taskflock ${version} on Node ${process.versions.node}, ${process.platform} ${process.arch}, ${availableParallelism()} cores`,
    advice: ok ? "" : "Taskflock needs Node 20.19 or later.",
  };
}

function checkMemory(): Finding {
  const ok = freemem() > 512 * 1024 ** 2;
  return {
    ok,
    what: `${formatBytes(freemem())} of ${formatBytes(totalmem())} memory free`,
    advice: ok ? "" : "Less than 512 MiB is free: workers may be killed; stop something, or lower --memory-limit.",
  };
}

/** A busy default port is no fault: a scheduler may well be running. */
function checkPort(port: number): Promise<Finding> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () =>
      resolve({ ok: true, what: `port ${port} is in use (a scheduler that runs already?)`, advice: "" }),
    );
    probe.listen(port, "127.0.0.1", () =>
      probe.close(() => resolve({ ok: true, what: `port ${port} is free`, advice: "" })),
    );
  });
}

async function checkLocalCluster(): Promise<Finding> {
  try {
    const cluster = await LocalCluster.start({ workers: 1, threadsPerWorker: 1 });
    try {
      const client = await cluster.connect();
      const sum = await client.call((a: number, b: number) => a + b, [40, 2]);
      await client.close();
      return {
        ok: sum === 42,
        what: `a local cluster ran 40 + 2 = ${sum}`,
        advice: sum === 42 ? "" : "Please report this.",
      };
    } finally {
      await cluster.close();
    }
  } catch (error) {
    return { ok: false, what: "a local cluster did not start", advice: messageOf(error) };
  }
}

async function checkScheduler(address: string, { tokenFile, tlsCa }: Examined): Promise<Finding[]> {
  try {
    const client = await Client.connect(address, {
      name: "taskflock doctor",
      ...(tokenFile === undefined ? {} : { tokenFile }),
      ...(tlsCa === undefined ? {} : { tls: { caFile: tlsCa } }),
    });
    try {
      const workers = await client.workers();
      const there: Finding = {
        ok: workers.length > 0,
        what: `the scheduler at ${address} answers and has ${workers.length} worker${workers.length === 1 ? "" : "s"}`,
        advice: workers.length > 0 ? "" : `Start one: taskflock worker ${address}`,
      };
      return [there, ...(await checkVersions(client))];
    } finally {
      await client.close();
    }
  } catch (error) {
    return [{ ok: false, what: `the scheduler at ${address}`, advice: messageOf(error) }];
  }
}

/** Until when it is good; that nobody answers was said. */
export async function checkCertificate(address: string, now: Date = new Date()): Promise<Finding[]> {
  const certificate = await shownCertificate(address);
  if (certificate === null) return [];
  const warning = expiryWarning(certificate, now);
  const what = warning ?? `the certificate of the scheduler is good until ${day(certificate.validTo)}`;
  return [{ ok: warning === null, what, advice: warning === null ? "" : "Renew it: taskflock certs renew FOLDER" }];
}

/** What differs between this machine and the cluster, packages of the project in the current folder included. */
async function checkVersions(client: Client): Promise<Finding[]> {
  const { differences, notes, workers } = await client.versions();
  const advice = "Install the same version on both.";
  const compared = Object.keys(workers).length;
  const same = { ok: true, what: `this machine and ${compared} of its workers run the same versions`, advice: "" };
  return [
    ...differences.map((what) => ({ ok: false, what, advice })),
    ...notes.map((what) => ({ ok: true, what: `differs, which does no harm as a rule: ${what}`, advice: "" })),
    ...(differences.length === 0 && compared > 0 ? [same] : []),
  ];
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
