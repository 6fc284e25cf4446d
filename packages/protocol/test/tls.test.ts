// TLS between a scheduler and those who connect to it. Everything goes through a proxy, beside which there is no Unix socket.

import { randomBytes } from "node:crypto";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { get as getPlain } from "node:http";
import { type AddressInfo, connect as connectPlain, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Authority, type Files } from "../../../test/system/certificates.ts";
import { Gate } from "../../../test/system/gate.ts";
import { isFlockError, type LinkServerOptions, NO_CA, readTrust } from "../src/index.ts";
import { newSecureServer } from "../src/tls/secure-port.ts";
import { ServerCertificate } from "../src/tls/server-certificate.ts";
import { connectClient, Log, type TestClient, TestServer } from "./link-fixture.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

let folder = "";
let ours: Files;
let others: Files;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tls-"));
  ours = await (await Authority.make()).write(join(folder, "ours"));
  others = await (await Authority.make()).write(join(folder, "others"));
});
afterAll(() => rm(folder, { recursive: true }));

/** A copy that a test may change. */
async function copied({ ca, cert, key }: Files, name: string): Promise<Files> {
  const copy = { ca: join(folder, `${name}-ca`), cert: join(folder, `${name}-cert`), key: join(folder, `${name}-key`) };
  await Promise.all([copyFile(ca, copy.ca), copyFile(cert, copy.cert), copyFile(key, copy.key)]);
  return copy;
}

interface Place {
  readonly server: TestServer;
  readonly gate: Gate;
}

/** Without files: plain text. */
async function serve(certificate: ServerCertificate | null, options: Partial<LinkServerOptions> = {}): Promise<Place> {
  const server = await TestServer.start({ certificate, ...options });
  const gate = await Gate.start(server.server.port);
  cleanups.push(
    () => gate.close(),
    () => server.server.close(),
  );
  return { server, gate };
}

function certificateOf(files: { readonly cert: string; readonly key: string }): ServerCertificate {
  const certificate = new ServerCertificate({ certFile: files.cert, keyFile: files.key });
  cleanups.push(() => certificate.close());
  return certificate;
}

async function client(address: string, caFile: string | null): Promise<TestClient> {
  const connected = await connectClient(address, { trust: { caFile } });
  cleanups.push(() => connected.link.close());
  return connected;
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => "connected",
    (cause: unknown) => cause,
  );
  return isFlockError(error) ? error.code : String(error);
}

const bye = { t: "goodbye" } as const;

describe("a link over TLS", () => {
  test("is opened with the cluster's CA, at whatever address; messages pass, and the welcome says that peers use TLS", async () => {
    const { server, gate } = await serve(certificateOf(ours));
    const { link } = await client(gate.address, ours.ca);
    expect(link.welcome.peersUseTls).toBe(true);
    link.send(bye);
    await server.log.count(1);
    expect(server.log.entries[0]?.message).toEqual(bye);
  });

  test("over plain text the welcome says that peers use none", async () => {
    const { gate } = await serve(null);
    expect((await client(gate.address, null)).link.welcome.peersUseTls).toBe(false);
  });

  test("beside the port, a program of this machine and user needs neither TLS nor a CA", async () => {
    const { server } = await serve(certificateOf(ours));
    const { link } = await client(server.address, null);
    link.send(bye);
    await server.log.count(1);
  });

  test("the process that has the certificate needs no CA to know itself, and takes no other", async () => {
    const certificate = certificateOf(ours);
    const { gate } = await serve(certificate);
    const trust = { caFile: null, own: () => certificate.about.fingerprint256 };
    const { link } = await connectClient(gate.address, { trust });
    await link.close();
    const { gate: other } = await serve(certificateOf(others));
    expect(await codeOf(connectClient(other.address, { trust }))).toBe("FLOCK_CERTIFICATE_UNTRUSTED");
  });

  test("a hello that is too large is refused over TLS, too", async () => {
    const { gate } = await serve(certificateOf(ours));
    const failed = connectClient(gate.address, { trust: { caFile: ours.ca }, token: "x".repeat(50_000) });
    expect(await codeOf(failed)).toBe("FLOCK_FRAME_TOO_LARGE");
  });
});

describe("what does not fit is told apart:", () => {
  test("plain text to a TLS port", async () => {
    const { gate } = await serve(certificateOf(ours));
    expect(await codeOf(client(gate.address, null))).toBe("FLOCK_TLS_REQUIRED");
  });

  test("TLS to a plain port", async () => {
    const { gate } = await serve(null);
    expect(await codeOf(client(gate.address, ours.ca))).toBe("FLOCK_TLS_NOT_SPOKEN");
  });

  test("a CA that did not sign, and the CAs that Node trusts", async () => {
    const { gate } = await serve(certificateOf(ours));
    expect(await codeOf(client(gate.address, others.ca))).toBe("FLOCK_CERTIFICATE_UNTRUSTED");
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0"; // meant for something else, most likely
    expect(await codeOf(client(gate.address, others.ca))).toBe("FLOCK_CERTIFICATE_UNTRUSTED");
    delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    expect(await codeOf(client(`wss://${gate.address}`, null))).toBe("FLOCK_CERTIFICATE_UNTRUSTED");
  });

  test("a certificate that ends while it is in use", async () => {
    const until = Date.now() + 2_000;
    const short = await (await Authority.make()).write(join(folder, "short"), { until });
    const { gate } = await serve(certificateOf(short));
    for (let code = "connected"; code !== "FLOCK_CERTIFICATE_EXPIRED"; ) {
      code = await codeOf(
        connectClient(gate.address, { trust: { caFile: short.ca } }).then(({ link }) => link.close()),
      );
      if (Date.now() < until - 1_000) expect(code).toBe("connected");
    }
    expect(() => certificateOf(short)).toThrow(expect.objectContaining({ code: "FLOCK_CERTIFICATE_EXPIRED" }));
  });

  test("a name that the certificate is not for", async () => {
    const authority = await Authority.make();
    const files = await authority.write(join(folder, "elsewhere"), { names: ["elsewhere.example.org"] });
    const { gate } = await serve(certificateOf(files));
    expect(await codeOf(client(gate.address, files.ca))).toBe("FLOCK_CERTIFICATE_NAME");
  });

  test("CA files that are missing, or hold no certificate", async () => {
    const { gate } = await serve(certificateOf(ours));
    expect(await codeOf(client(gate.address, join(folder, "nowhere.pem")))).toBe("FLOCK_CERTIFICATE_FILE");
    expect(await codeOf(client(gate.address, ours.key))).toBe("FLOCK_CERTIFICATE_FILE");
    const damaged = join(folder, "damaged.pem");
    await writeFile(damaged, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    expect(await codeOf(client(gate.address, damaged))).toBe("FLOCK_CERTIFICATE_FILE");
  });

  test("files of the server that are missing, hold something else, or do not belong together", async () => {
    const coded = (code: string): unknown => expect.objectContaining({ code });
    expect(() => certificateOf({ cert: "nowhere", key: ours.key })).toThrow(coded("FLOCK_CERTIFICATE_FILE"));
    expect(() => certificateOf({ cert: ours.cert, key: "nowhere" })).toThrow(coded("FLOCK_CERTIFICATE_FILE"));
    expect(() => certificateOf({ cert: ours.key, key: ours.key })).toThrow(coded("FLOCK_CERTIFICATE_FILE"));
    expect(() => certificateOf({ cert: ours.cert, key: ours.cert })).toThrow(coded("FLOCK_CERTIFICATE_FILE"));
    expect(() => certificateOf({ cert: ours.cert, key: others.key })).toThrow(coded("FLOCK_CERTIFICATE_KEY"));
    // The first certificate is whole, and what follows is still being written.
    const half = join(folder, "half.pem");
    await writeFile(half, `${await readFile(ours.cert, "utf8")}\n${(await readFile(ours.ca, "utf8")).slice(0, 200)}`);
    expect(() => certificateOf({ cert: half, key: ours.key })).toThrow(coded("FLOCK_CERTIFICATE_FILE"));
  });
});

describe("rotation", () => {
  test("a new certificate is for new connections; a link that is up goes on, and comes back with the new one", async () => {
    const files = await copied(ours, "rotated");
    const certificate = certificateOf(files);
    const { server, gate } = await serve(certificate);
    const { link, events } = await client(gate.address, files.ca);
    await copyFile(others.cert, files.cert);
    await copyFile(others.key, files.key);
    certificate.reload();
    link.send(bye);
    await server.log.count(1);
    expect(events.entries).toEqual(["up"]);
    // The CA file is read anew: first without the CA, then with both.
    expect(await codeOf(client(gate.address, files.ca))).toBe("FLOCK_CERTIFICATE_UNTRUSTED");
    const both = await Promise.all([ours.ca, others.ca].map((file) => readFile(file, "utf8")));
    await writeFile(files.ca, both.join(""));
    gate.cut();
    await events.count(3);
    expect(events.entries).toEqual(["up", "down", "up again"]);
    link.send(bye);
    await server.log.count(2);
  });

  test("a link whose CA is not trusted any more is tried until its time is over, and says why it was in vain", async () => {
    const files = await copied(ours, "distrusted");
    const { gate } = await serve(certificateOf(files));
    const { events, gone } = await connectClient(gate.address, { trust: { caFile: files.ca }, reconnectMs: 300 });
    await copyFile(others.ca, files.ca);
    gate.cut();
    await events.count(3);
    expect(events.entries).toEqual(["up", "down", "gone FLOCK_CONNECTION_LOST"]);
    expect(gone.error?.message).toMatch(/signed by a CA that is not trusted here/);
    expect(gone.error?.cause).toMatchObject({ code: "FLOCK_CERTIFICATE_UNTRUSTED" });
  });

  test("files that change are noticed; of a pair that does not fit the old one stays, and it is told once", async () => {
    const files = await copied(ours, "watched");
    const said = new Log<string>();
    const certificate = new ServerCertificate({
      ...{ certFile: files.cert, keyFile: files.key },
      changed: (about) => said.add(about.fingerprint256),
      trouble: (error) => said.add(error.code),
    });
    cleanups.push(() => certificate.close());
    const before = certificate.about.fingerprint256;
    await copyFile(others.cert, files.cert);
    await said.count(1);
    expect(said.entries).toEqual(["FLOCK_CERTIFICATE_KEY"]);
    expect(certificate.about.fingerprint256).toBe(before);
    await copyFile(others.key, files.key);
    await said.count(2);
    expect(said.entries[1]).toBe(certificate.about.fingerprint256);
    expect(certificate.about.fingerprint256).not.toBe(before);
  });
});

/** Somebody who connected, and says nothing. */
async function silent(port: number, localAddress: string): Promise<Socket> {
  const socket = connectPlain({ port, host: "127.0.0.1", localAddress });
  cleanups.push(() => socket.destroy());
  socket.on("error", () => undefined).resume();
  await new Promise((resolve) => socket.once("connect", resolve));
  return socket;
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => (socket.closed ? resolve() : socket.once("close", () => resolve())));
}

function handshake(port: number, localAddress: string): Promise<string> {
  const socket = connect({
    socket: connectPlain({ port, host: "127.0.0.1", localAddress }),
    rejectUnauthorized: false,
  });
  cleanups.push(() => socket.destroy());
  return new Promise((resolve) => {
    socket.once("secureConnect", () => resolve("shaken"));
    socket.once("error", (error) => resolve(error.message));
  });
}

describe("a TLS port", () => {
  test("tells a browser that speaks plain HTTP what to do", async () => {
    const { gate } = await serve(certificateOf(ours));
    const answer = await new Promise<{ status: number | undefined; upgrade: string | undefined }>((resolve, reject) => {
      getPlain(`http://${gate.address}/status`, (response) => {
        response.resume();
        resolve({ status: response.statusCode, upgrade: response.headers.upgrade });
      }).on("error", reject);
    });
    expect(answer).toEqual({ status: 426, upgrade: "TLS/1.3, HTTP/1.1" });
  });

  // Only Linux has the whole of 127.0.0.0/8.
  test.skipIf(process.platform !== "linux")("lets no address have all places before the handshake", async () => {
    const server = newSecureServer({}, certificateOf(ours), undefined, 8);
    cleanups.push(() => new Promise((resolve) => server.close(resolve)));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const first = [await silent(port, "127.0.0.1"), await silent(port, "127.0.0.1")];
    await closed(await silent(port, "127.0.0.1"));
    expect(await handshake(port, "127.0.0.1")).not.toBe("shaken");
    // Who has shaken hands has no such place any more.
    for (let n = 0; n < 3; n++) expect(await handshake(port, "127.0.0.2")).toBe("shaken");
    expect(first.map((socket) => socket.closed)).toEqual([false, false]);
    first[0]?.destroy();
    await expect.poll(() => handshake(port, "127.0.0.1")).toBe("shaken");
  });

  test("outlives what is no TLS, whatever it begins with, and what breaks off", async () => {
    const { server, gate } = await serve(certificateOf(ours));
    const port = server.server.port;
    const thrown = Array.from({ length: 200 }, async (_, index) => {
      const socket = connectPlain(port, "127.0.0.1");
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.on("error", () => undefined).resume();
      const junk = randomBytes(1 + ((index * 7) % 600));
      if (index % 2 === 0) junk[0] = 0x16;
      socket.write(junk.subarray(0, 1 + index));
      socket.write(junk, () => (index % 3 === 0 ? socket.resetAndDestroy() : socket.end()));
      await closed;
    });
    await Promise.all(thrown);
    const { link } = await client(gate.address, ours.ca);
    link.send(bye);
    await server.log.count(1);
  });

  test("closes at once, whoever has said nothing yet, or nothing but a part of a hello", async () => {
    const { server } = await serve(certificateOf(ours));
    const port = server.server.port;
    const silent = connectPlain(port, "127.0.0.1");
    const begun = connectPlain(port, "127.0.0.1", () => begun.write(Buffer.from([0x16, 3, 1])));
    const shaken = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
    const sockets = [silent, begun, shaken];
    for (const socket of sockets) socket.on("error", () => undefined).resume();
    await new Promise((resolve) => shaken.once("secureConnect", resolve));
    const closed = sockets.map((socket) => new Promise((resolve) => socket.once("close", resolve)));
    await server.server.close();
    await Promise.all(closed);
  });
});

test("trust comes from the option, else from TASKFLOCK_TLS_CA, and is none without both", () => {
  const before = process.env["TASKFLOCK_TLS_CA"];
  try {
    process.env["TASKFLOCK_TLS_CA"] = "/etc/ca.pem";
    expect(readTrust(undefined)).toEqual({ caFile: "/etc/ca.pem" });
    expect(readTrust("other.pem")).toEqual({ caFile: join(process.cwd(), "other.pem") });
    process.env["TASKFLOCK_TLS_CA"] = "";
    expect(readTrust(undefined)).toEqual(NO_CA);
  } finally {
    if (before === undefined) delete process.env["TASKFLOCK_TLS_CA"];
    else process.env["TASKFLOCK_TLS_CA"] = before;
  }
});
