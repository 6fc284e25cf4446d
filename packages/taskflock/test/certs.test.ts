// What `taskflock certs` makes is taken by others: Node's own reader of certificates, real TLS connections, openssl where it is.
import { execFileSync, spawnSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer } from "node:tls";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { initCertificates, renewCertificates, showCertificates } from "../src/certs/certificates.ts";

const root = mkdtempSync(join(tmpdir(), "taskflock-certs-"));
const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;
const options = { hosts: [], days: 365, caDays: 3650 } as const;
const DAY_MS = 86_400_000;

let folder = "";
let made = 0;
beforeEach(() => {
  folder = join(root, `certs ${made++}`);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);
const read = (name: string): string => readFileSync(at(name), "utf8");
const certificate = (name: string): X509Certificate => new X509Certificate(read(name));
const openssl = (...args: string[]): string => execFileSync("openssl", args, { encoding: "utf8", stdio: "pipe" });

/** What a client that has the authority gets from a server with the certificate: null, or why it leaves. */
function handshake(name: string, ca = read("ca.pem")): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const server = createServer({ cert: read("scheduler.pem"), key: read("scheduler-key.pem"), minVersion: "TLSv1.3" });
    server.on("error", reject).on("tlsClientError", () => undefined);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      const socket = connect({ port, host: "127.0.0.1", ca, servername: name });
      const end = (why: string | null): void => {
        socket.destroy();
        server.close(() => resolve(why));
      };
      socket.on("secureConnect", () => end(socket.authorized ? null : "not authorized"));
      socket.on("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    });
  });
}

describe("certs init", () => {
  it("makes an authority that signs machines only, and a certificate for servers", async () => {
    await initCertificates(folder, { ...options, hosts: ["Flock.Example.org", "10.0.0.7", "[2001:DB8::7]"] });
    const [ca, scheduler] = [certificate("ca.pem"), certificate("scheduler.pem")];
    expect(ca.ca).toBe(true);
    expect(ca.verify(ca.publicKey)).toBe(true);
    expect(scheduler.ca).toBe(false);
    expect(scheduler.checkIssued(ca)).toBe(true);
    expect(scheduler.verify(ca.publicKey)).toBe(true);
    expect(scheduler.checkPrivateKey(createPrivateKey(read("scheduler-key.pem")))).toBe(true);
    expect(ca.checkPrivateKey(createPrivateKey(read("ca-key.pem")))).toBe(true);
    expect(scheduler.publicKey.asymmetricKeyDetails).toMatchObject({ namedCurve: "prime256v1" });
    for (const name of ["scheduler.taskflock", "localhost", "flock.example.org"])
      expect(scheduler.checkHost(name), name).toBeDefined();
    for (const address of ["127.0.0.1", "::1", "10.0.0.7", "2001:db8::7"])
      expect(scheduler.checkIP(address), address).toBeDefined();
    expect(scheduler.checkHost("elsewhere.example.org")).toBeUndefined();
    expect(scheduler.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]); // serverAuth
  });

  it("is valid from a little before now, for as long as was said, under random numbers", async () => {
    const now = new Date("2030-05-05T12:00:00.750Z");
    await initCertificates(folder, { ...options, days: 90, now });
    const { certificates, warnings } = await showCertificates(folder, now);
    expect(certificates).toMatchObject([
      { validFrom: "2030-05-05T11:00:00.000Z", daysLeft: 3649, isAuthority: true },
      { validFrom: "2030-05-05T11:00:00.000Z", validUntil: "2030-08-03T12:00:00.000Z", daysLeft: 89 },
    ]);
    expect(warnings).toEqual([]);
    const numbers = certificates.map(({ serialNumber }) => serialNumber);
    expect(new Set(numbers).size).toBe(2);
    for (const number of numbers) expect(number).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  it("leaves keys to their owner alone, and nothing unfinished", async () => {
    await initCertificates(folder, options);
    expect(readdirSync(folder).toSorted()).toEqual(["ca-key.pem", "ca.pem", "scheduler-key.pem", "scheduler.pem"]);
    for (const key of ["ca-key.pem", "scheduler-key.pem"]) expect(statSync(at(key)).mode & 0o777).toBe(0o600);
    expect(read("scheduler-key.pem")).toMatch(/^-----BEGIN PRIVATE KEY-----\n[\s\S]+\n-----END PRIVATE KEY-----\n$/);
  });

  it("takes no other's place unless it is asked to", async () => {
    await initCertificates(folder, options);
    const before = read("ca.pem");
    await expect(initCertificates(folder, options)).rejects.toMatchObject({
      code: "FLOCK_CERTS_EXIST",
      message: expect.stringContaining("certs renew"),
    });
    rmSync(at("scheduler.pem"));
    await expect(initCertificates(folder, options)).rejects.toMatchObject({ code: "FLOCK_CERTS_EXIST" });
    expect(read("ca.pem")).toBe(before);
    await initCertificates(folder, { ...options, present: "replace" });
    expect(read("ca.pem")).not.toBe(before);
  });

  it("with --if-missing keeps what is well, and mends what is not", async () => {
    const keep = { ...options, present: "keep" } as const;
    await initCertificates(folder, keep);
    const [ca, first] = [read("ca.pem"), read("scheduler.pem")];
    expect(await initCertificates(folder, keep)).toMatchObject({ written: [] });
    expect(read("scheduler.pem")).toBe(first);
    await initCertificates(folder, { ...keep, hosts: ["flock.example"] });
    const second = read("scheduler.pem");
    expect(second).not.toBe(first);
    await initCertificates(folder, { ...keep, now: new Date(Date.now() + 340 * DAY_MS) });
    expect(read("scheduler.pem")).not.toBe(second);
    expect(certificate("scheduler.pem").checkHost("flock.example")).toBeDefined();
    writeFileSync(at("scheduler-key.pem"), read("ca-key.pem"));
    await initCertificates(folder, keep);
    expect((await showCertificates(folder)).warnings).toEqual([]);
    expect(read("ca.pem")).toBe(ca);
  });

  it("with --if-missing goes on where an init was ended between its first two files", async () => {
    await initCertificates(folder, options);
    for (const name of ["ca.pem", "scheduler.pem", "scheduler-key.pem"]) rmSync(at(name));
    await expect(initCertificates(folder, options)).rejects.toMatchObject({ code: "FLOCK_CERTS_EXIST" });
    await initCertificates(folder, { ...options, present: "keep" });
    expect((await showCertificates(folder)).warnings).toEqual([]);
  });

  it("makes a new authority where the key of the old one is lost", async () => {
    await initCertificates(folder, options);
    rmSync(at("ca-key.pem"));
    await expect(renewCertificates(folder, options)).rejects.toMatchObject({ code: "FLOCK_CERTS_MISSING" });
    expect(await renewCertificates(folder, { ...options, authority: "add" })).toMatchObject({ authorities: 2 });
    await renewCertificates(folder, { ...options, authority: "drop" });
    expect((await showCertificates(folder)).warnings).toEqual([]);
  });

  it.each(["flock example", "https://flock.example", "flock.example:8786", "10.0.0.256", "-x.example", "*.*.example"])(
    "does not take %s for a host",
    async (host) => {
      await expect(initCertificates(folder, { ...options, hosts: [host] })).rejects.toMatchObject({
        code: "FLOCK_OPTION_INVALID",
      });
    },
  );

  it("says which file it cannot write", async () => {
    writeFileSync(folder, "not a folder");
    await expect(initCertificates(folder, options)).rejects.toMatchObject({
      code: "FLOCK_CERTS_UNREADABLE",
      message: expect.stringContaining(folder),
    });
  });
});

describe("certs renew", () => {
  it("makes a new certificate for the same names, by the same authority, which ends first at the latest", async () => {
    await initCertificates(folder, { ...options, hosts: ["flock.example"], caDays: 100 });
    const [ca, before] = [read("ca.pem"), certificate("scheduler.pem")];
    await renewCertificates(folder, { ...options, hosts: ["10.0.0.7"] });
    const after = certificate("scheduler.pem");
    expect(read("ca.pem")).toBe(ca);
    expect(after.serialNumber).not.toBe(before.serialNumber);
    expect(after.publicKey.equals(before.publicKey)).toBe(false);
    expect(after.subjectAltName).toBe(`${before.subjectAltName}, IP Address:10.0.0.7`);
    expect(after.validTo).toBe(certificate("ca.pem").validTo);
    expect(await handshake("flock.example")).toBeNull();
  });

  it("replaces the authority in two steps, and whoever follows stays connected", async () => {
    await initCertificates(folder, options);
    const old = read("ca.pem");
    await renewCertificates(folder, { ...options, authority: "add" });
    const both = read("ca.pem");
    expect(both.endsWith(old)).toBe(true);
    expect(await Promise.all([old, both].map((ca) => handshake("scheduler.taskflock", ca)))).toEqual([null, null]);
    await renewCertificates(folder, { ...options, authority: "drop" });
    const newest = read("ca.pem");
    expect(both).toBe(newest + old);
    expect(await Promise.all([both, newest].map((ca) => handshake("scheduler.taskflock", ca)))).toEqual([null, null]);
    expect(await handshake("scheduler.taskflock", old)).not.toBeNull();
  });

  it("trusts the authority that signed the scheduler's certificate however many are added", async () => {
    await initCertificates(folder, options);
    for (const _ of [1, 2]) await renewCertificates(folder, { ...options, authority: "add" });
    expect((await showCertificates(folder)).certificates).toHaveLength(4);
    expect(await handshake("scheduler.taskflock")).toBeNull();
  });

  it("says what is missing, and what does not fit", async () => {
    await expect(renewCertificates(folder, options)).rejects.toMatchObject({ code: "FLOCK_CERTS_MISSING" });
    await initCertificates(folder, options);
    const key = read("ca-key.pem");
    rmSync(at("ca-key.pem"));
    await expect(renewCertificates(folder, options)).rejects.toMatchObject({
      code: "FLOCK_CERTS_MISSING",
      message: expect.stringContaining("ca-key.pem"),
    });
    writeFileSync(at("ca-key.pem"), read("scheduler-key.pem"));
    await expect(renewCertificates(folder, options)).rejects.toMatchObject({ code: "FLOCK_CERTS_UNREADABLE" });
    writeFileSync(at("ca-key.pem"), "no key");
    await expect(renewCertificates(folder, options)).rejects.toMatchObject({ code: "FLOCK_CERTS_UNREADABLE" });
    writeFileSync(at("ca-key.pem"), key);
    await renewCertificates(folder, options);
  });
});

describe("certs show", () => {
  it("warns a month before the end, and after it", async () => {
    await initCertificates(folder, options);
    const warnings = async (days: number): Promise<string> =>
      (await showCertificates(folder, new Date(Date.now() + days * DAY_MS))).warnings.join(" ");
    expect(await warnings(334)).toBe("");
    expect(await warnings(336)).toMatch(/scheduler\.taskflock ends on \d{4}-\d\d-\d\d, in 28 days\. Renew it: /);
    expect(await warnings(366)).toMatch(/scheduler\.taskflock ended on/);
    expect(await warnings(-2)).toMatch(/is valid from .+ on only/);
  });

  it("reads single files, and finds what does not fit together", async () => {
    await initCertificates(folder, options);
    expect((await showCertificates(at("ca.pem"))).certificates).toMatchObject([{ isAuthority: true }]);
    writeFileSync(at("scheduler-key.pem"), read("ca-key.pem"));
    expect((await showCertificates(folder)).warnings[0]).toContain("is not the key of");
    writeFileSync(at("ca.pem"), read("ca.pem").slice(0, 200));
    await expect(showCertificates(folder)).rejects.toMatchObject({ code: "FLOCK_CERTS_UNREADABLE" });
    await expect(showCertificates(at("nowhere.pem"))).rejects.toMatchObject({ code: "FLOCK_CERTS_MISSING" });
    await expect(showCertificates(root)).rejects.toMatchObject({ code: "FLOCK_CERTS_MISSING" });
  });
});

describe("others take them", () => {
  it("real connections, by any of the names and by no other", async () => {
    await initCertificates(folder, { ...options, hosts: ["*.flock.example"] });
    for (const name of ["scheduler.taskflock", "localhost", "a.flock.example"])
      expect(await handshake(name), name).toBeNull();
    expect(await handshake("elsewhere.example")).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
    const other = join(root, `other ${made}`);
    await initCertificates(other, options);
    const stranger = readFileSync(join(other, "ca.pem"), "utf8");
    expect(await handshake("localhost", stranger)).toMatch(/UNABLE_TO_VERIFY|SELF_SIGNED/);
  });

  it.skipIf(!hasOpenssl)("openssl verifies the chain, strictly, and reads every field", async () => {
    await initCertificates(folder, { ...options, hosts: ["flock.example"] });
    const strictly = ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", at("ca.pem")];
    for (const name of [
      ["-verify_hostname", "flock.example"],
      ["-verify_ip", "127.0.0.1"],
    ])
      expect(openssl(...strictly, ...name, at("scheduler.pem"))).toContain("OK");
    expect(() => openssl(...strictly, "-verify_hostname", "other.example", at("scheduler.pem"))).toThrow();
    const text = (name: string): string => openssl("x509", "-in", at(name), "-noout", "-text").replaceAll(/\s+/g, " ");
    expect(text("ca.pem")).toContain("Basic Constraints: critical CA:TRUE, pathlen:0");
    expect(text("ca.pem")).toContain("Key Usage: critical Certificate Sign, CRL Sign");
    expect(text("scheduler.pem")).toContain("Key Usage: critical Digital Signature");
    expect(text("scheduler.pem")).toContain("TLS Web Server Authentication");
    expect(text("scheduler.pem")).toContain("ecdsa-with-SHA256");
    expect(text("scheduler.pem")).not.toContain("Invalid");
    chmodSync(at("ca-key.pem"), 0o400);
    await renewCertificates(folder, options);
    expect(openssl(...strictly, at("scheduler.pem"))).toContain("OK");
  });
});
