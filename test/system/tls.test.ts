// A cluster over TLS, of real processes, with somebody on the network who reads along: in front of the scheduler, of the page, and of
// each worker's peer port. What goes through a proxy has no Unix socket beside it.

import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { createServer } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { importFrom } from "@taskflock/protocol/code";
import { Client, LocalCluster } from "taskflock";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { type Role, startRole, taskflock } from "./processes.ts";
import { Sniffer } from "./sniffer.ts";

const TOKEN = "a-token-that-nobody-may-read";
const MARK = "a marker that stands in every result";
/** An address by which others reach this machine; loopback where there is none. */
const host =
  Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === "IPv4" && !each.internal)?.address ?? "127.0.0.1";

const folder = mkdtempSync(join(tmpdir(), "taskflock-tls-"));
const certs = join(folder, "certs");
const ca = join(certs, "ca.pem");
const tokenFile = join(folder, "token");
const given = ["--token-file", tokenFile, "--tls-ca", ca];
const secured = ["--tls-cert", join(certs, "scheduler.pem"), "--tls-key", join(certs, "scheduler-key.pem")];

const cleanups: (() => unknown)[] = [];
async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

async function start(args: readonly string[]): Promise<Role> {
  const role = await startRole(args);
  cleanups.push(() => role.stop());
  return role;
}

async function sniff(port: number): Promise<Sniffer> {
  const sniffer = await Sniffer.start(port, [TOKEN, MARK], host);
  cleanups.push(() => sniffer.close());
  return sniffer;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, host, () => {
      const { port } = probe.address() as { readonly port: number };
      probe.close(() => resolve(port));
    });
  });
}

interface Place {
  readonly scheduler: Role;
  readonly wire: Sniffer;
}

async function startScheduler(): Promise<Place> {
  const where = ["--host", host, "--port", "0", "--dashboard-port", "0"];
  const scheduler = await start(["scheduler", ...where, "--token-file", tokenFile, ...secured]);
  return { scheduler, wire: await sniff(portOf(scheduler.ready.address)) };
}

const portOf = (address: string): number => Number(/:(\d+)(\/status)?$/.exec(address)?.[1]);

/** Reached by peers through a proxy, which is returned. */
async function startWorker(address: string, name: string, args: readonly string[] = []): Promise<Sniffer> {
  const port = await freePort();
  const wire = await sniff(port);
  const where = ["--host", host, "--port", String(port), "--advertise", wire.address];
  await start(["worker", address, "--name", name, "--threads", "1", ...where, ...given, ...args]);
  return wire;
}

async function open(address: string, caFile: string = ca): Promise<Client> {
  const client = await Client.connect(address, { tokenFile, tls: { caFile }, packages: "installed", logs: "ignore" });
  cleanups.push(() => client.close());
  return client;
}

/** 8 MiB of markers. */
function marks(mark: string, count: number): Uint8Array {
  return new TextEncoder().encode(`${mark}, `.repeat(count));
}

const length = (bytes: Uint8Array): number => bytes.length;

interface Answer {
  readonly status: number | undefined;
  readonly cookie: string;
  readonly text: string;
}

async function get(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { ca: readFileSync(ca), headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk) => {
        text += chunk;
      });
      const cookie = String(response.headers["set-cookie"] ?? "");
      response.on("end", () => resolve({ status: response.statusCode, cookie, text }));
    });
    asked.on("error", reject).end();
  });
}

/** Of the certificate that is shown there. */
function fingerprintAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? "");
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

beforeAll(async () => {
  writeFileSync(tokenFile, TOKEN, { mode: 0o600 });
  for (const name of ["ADDRESS", "TOKEN", "TOKEN_FILE", "CONTEXT", "TLS_CA"])
    vi.stubEnv(`TASKFLOCK_${name}`, undefined);
  vi.stubEnv("XDG_STATE_HOME", join(folder, "state"));
  expect((await taskflock(["certs", "init", certs, "--host", host])).stderr).toBe("");
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

describe("a cluster that others reach, without --insecure", () => {
  let place: Place;
  let client: Client;
  let page: Sniffer;
  const peers: Sniffer[] = [];
  beforeAll(async () => {
    place = await startScheduler();
    page = await sniff(portOf(place.scheduler.ready.dashboard));
    const { wire } = place;
    peers.push(
      ...(await Promise.all([
        startWorker(wire.address, "ada", ["--no-nanny"]),
        startWorker(wire.address, "ben"),
        startWorker(wire.address, "cem", ["--no-nanny", "--relay", "always"]),
      ])),
    );
    client = await open(wire.address);
  });
  afterAll(cleanUp);

  test("runs tasks, moves large results between workers and to clients, directly and by relay", async () => {
    const [ada, ben] = peers;
    const large = client.submit(marks, [MARK, 200_000], { workers: ["ada"] });
    const there = await client.submit(length, [large], { workers: ["ben"] }).result();
    expect(there).toBe(200_000 * (MARK.length + 2));
    expect(ada!.bytes).toBeGreaterThan(there);
    expect((await large.result()).length).toBe(there);
    expect(ada!.bytes).toBeGreaterThan(2 * there);
    const back = client.submit(marks, [MARK, 100_000], { workers: ["ben"] });
    expect(await client.submit(length, [back], { workers: ["ada"] }).result()).toBe(there / 2);
    expect(ben!.bytes).toBeGreaterThan(there / 2);
    const all = (): number => [place.wire, ...peers].reduce((sum, { bytes }) => sum + bytes, 0);
    const uploaded = all();
    const argument = marks(MARK, 100_000);
    expect(await client.submit(length, [argument]).result()).toBe(argument.length);
    expect(all()).toBeGreaterThan(uploaded + argument.length);

    const before = place.wire.bytes;
    const relayed = client.submit(marks, [MARK, 50_000], { workers: ["cem"] });
    const size = (await relayed.result()).length;
    expect(await client.submit(length, [relayed], { workers: ["ada"] }).result()).toBe(size);
    expect(place.wire.bytes - before).toBeGreaterThan(3 * size);
  });

  test("tasks submit tasks, and their clients trust what their worker trusts", async () => {
    const { outer } = (await importFrom(import.meta.dirname, "./nested-tasks.mjs")) as {
      outer(text: string): Promise<string>;
    };
    expect(await client.call(outer, [MARK])).toBe(`${MARK}!`);
  });

  test("has its page at https, with a cookie for https only; http leads there", async () => {
    const { dashboard } = place.scheduler.ready;
    expect(dashboard).toBe(`https://${host}:${portOf(dashboard)}/status`);
    const asked = ["--address", place.wire.address, ...given];
    const { stdout: link } = await taskflock(["link", ...asked]);
    expect(link).toContain(`${dashboard}?code=`);
    const signedIn = await get(link.trim());
    expect(signedIn).toMatchObject({ status: 303 });
    expect(signedIn.cookie).toMatch(/; HttpOnly; SameSite=Strict; Secure$/);
    const through = `https://${page.address}/api/v1/overview`;
    expect(JSON.parse((await get(through, { authorization: `Bearer ${TOKEN}` })).text)).toMatchObject({
      workers: { running: 3 },
    });
    const feed = new WebSocket(`wss://${page.address}/api/v1/stream`, {
      ...{ ca: readFileSync(ca), headers: { authorization: `Bearer ${TOKEN}` } },
    });
    cleanups.push(() => feed.terminate());
    const heard = new Promise((resolve, reject) => feed.once("message", resolve).once("error", reject));
    feed.once("open", () => feed.send(JSON.stringify({ topics: [], run: 0, paused: false })));
    expect(JSON.parse(String(await heard))).toMatchObject({ fresh: true });
    const plain = await fetch(`http://${page.address}/status`, { redirect: "manual" });
    expect([plain.status, plain.headers.get("location")]).toEqual([307, `https://${page.address}/status`]);
  });

  test("commands ask it by --tls-ca or TASKFLOCK_TLS_CA: status, top, report, doctor, a dashboard of its own", async () => {
    const { address } = place.wire;
    const asked = ["--address", address, "--token-file", tokenFile];
    const env = { TASKFLOCK_TLS_CA: ca };
    const report = join(folder, "report.html");
    const [status, top, written, doctor] = await Promise.all([
      taskflock(["status", ...asked], env),
      taskflock(["top", "--once", "--token-file", tokenFile, address], env),
      taskflock(["report", ...asked, "-o", report, "--dashboard", `https://${page.address}`], env),
      taskflock(["doctor", ...asked, "--tls-ca", ca]),
    ]);
    const wrong = await taskflock(["report", ...asked, "-o", report, "--dashboard", `http://${page.address}`], env);
    expect(wrong.stderr).toContain("FLOCK_TLS_REQUIRED");
    expect(status.stdout).toMatch(/^Scheduler /);
    expect(top.stdout).toContain(address);
    expect(written).toMatchObject({ code: 0, stdout: `${report}\n` });
    expect(doctor.stdout).toContain(`the scheduler at ${address} answers and has 3 workers`);
    const alone = await start(["dashboard", address, "--host", host, "--port", "0", ...given, ...secured]);
    const overview = new URL("/api/v1/overview", alone.ready.dashboard);
    const { text } = await get(overview.href, { authorization: `Bearer ${TOKEN}` });
    expect(JSON.parse(text)).toMatchObject({ workers: { running: 3 } });
  });

  test("and who reads along on the network has seen neither the token nor a marker", () => {
    const { wire } = place;
    for (const each of [wire, page, ...peers]) {
      expect(each.seen).toEqual([]);
      if (each !== peers[2]) expect(each.bytes).toBeGreaterThan(10_000); // cem is not reached directly
    }
  });
});

describe("what does not fit", () => {
  afterEach(cleanUp);

  test("is told with its code, by every end", async () => {
    const plain = await start(["scheduler", "--port", "0", "--dashboard-port", "0", "--token-file", tokenFile]);
    const { scheduler, wire } = await startScheduler();
    const plainWire = await Sniffer.start(portOf(plain.ready.address), []);
    cleanups.push(() => plainWire.close());
    expect((await taskflock(["certs", "init", join(folder, "others")])).code).toBe(0);
    const others = join(folder, "others");
    const token = ["--token-file", tokenFile];
    const [cert, key] = [join(certs, "scheduler.pem"), join(certs, "scheduler-key.pem")];
    const anywhere = ["scheduler", "--port", "0", "--dashboard-port", "0"];
    const cases: readonly (readonly [readonly string[], string])[] = [
      [["worker", wire.address, "--no-nanny", ...token], "FLOCK_TLS_REQUIRED"],
      [["worker", wire.address, ...token], "FLOCK_TLS_REQUIRED"],
      [["status", "--address", plainWire.address, ...given], "FLOCK_TLS_NOT_SPOKEN"],
      [
        ["status", "--address", wire.address, ...token, "--tls-ca", join(others, "ca.pem")],
        "FLOCK_CERTIFICATE_UNTRUSTED",
      ],
      [["status", "--address", `wss://${wire.address}`, ...token], "FLOCK_CERTIFICATE_UNTRUSTED"],
      [["worker", wire.address, ...token, "--tls-ca", join(folder, "none.pem")], "FLOCK_CERTIFICATE_FILE"],
      [[...anywhere, "--tls-cert", cert, "--tls-key", join(others, "scheduler-key.pem")], "FLOCK_CERTIFICATE_KEY"],
      [[...anywhere, "--tls-cert", cert, "--tls-key", join(folder, "none.pem")], "FLOCK_CERTIFICATE_FILE"],
      [[...anywhere, "--tls-key", key], "--tls-key needs --tls-cert"],
      [[...anywhere, "--host", host], host === "127.0.0.1" ? "" : "--tls-cert"],
    ];
    const ended = await Promise.all(cases.map(([args]) => taskflock(args)));
    expect(ended.map(({ stderr }, index) => stderr.includes(cases[index]![1]))).toEqual(cases.map(() => true));
    expect(ended.every(({ code }) => code === 1)).toBe(true);
    const bad = await taskflock(["link", "--address", scheduler.ready.address, ...token]); // by the Unix socket, but the page has none
    expect(bad.stderr).toContain("FLOCK_CERTIFICATE_UNTRUSTED");
  });

  test("a local cluster goes on as always, whatever the environment says about TLS", async () => {
    vi.stubEnv("TASKFLOCK_TLS_CA", join(folder, "none.pem"));
    vi.stubEnv("TASKFLOCK_TLS_CERT", join(folder, "none.pem"));
    await using cluster = await LocalCluster.start({ workers: 1, threadsPerWorker: 1 });
    await using client = await cluster.connect();
    expect(await client.call((n: number) => n + 1, [1])).toBe(2);
    expect(await cluster.dashboardLink()).toMatch(/^http:/);
    vi.stubEnv("TASKFLOCK_TLS_CA", undefined);
    vi.stubEnv("TASKFLOCK_TLS_CERT", undefined);
  });
});

describe("rotation", () => {
  afterEach(cleanUp);

  test("certificates and the authority are replaced while the cluster works; nothing is restarted", async () => {
    const { scheduler, wire } = await startScheduler();
    const port = portOf(scheduler.ready.address);
    const pagePort = portOf(scheduler.ready.dashboard);
    await startWorker(wire.address, "ada", ["--no-nanny"]);
    const client = await open(wire.address);
    const pid = (): Promise<number> => client.call(() => process.pid, [], { pure: false });
    const worker = await pid();
    const oldCa = join(folder, "old-ca.pem");
    copyFileSync(ca, oldCa);

    const replaced = async (args: readonly string[]): Promise<void> => {
      const before = await fingerprintAt(port);
      expect((await taskflock(["certs", "renew", certs, ...args])).code).toBe(0);
      if (args.includes("--new-ca")) return;
      scheduler.child.kill("SIGHUP");
      while ((await fingerprintAt(port)) === before || (await fingerprintAt(pagePort)) === before);
      expect(await pid()).toBe(worker); // the links that are up go on
      wire.cut();
      expect(await pid()).toBe(worker); // and come back by the new certificate
    };
    await replaced([]);
    await replaced(["--new-ca"]);
    wire.cut();
    expect(await pid()).toBe(worker);
    await replaced(["--drop-old-ca"]);
    await expect(open(wire.address, oldCa)).rejects.toMatchObject({ code: "FLOCK_CERTIFICATE_UNTRUSTED" });
    expect(await (await open(wire.address)).call((n: number) => n + 1, [1])).toBe(2);
    expect(wire.seen).toEqual([]);
  });
});
