// Who asks a port whose certificate is signed by a cluster's own CA: for a link that signs in, and the doctor.
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makePageLink } from "@taskflock/cluster";
import { afterAll, beforeAll, expect, it } from "vitest";
import { initCertificates } from "../src/certs/certificates.ts";
import { checkCertificate } from "../src/doctor.ts";

const folder = mkdtempSync(join(tmpdir(), "taskflock-page-link-"));
const caFile = join(folder, "ca.pem");
const other = join(folder, "other");
let page = "";
const server = createServer();

beforeAll(async () => {
  const options = { hosts: [], days: 1, caDays: 1 };
  await initCertificates(folder, options);
  await initCertificates(other, options);
  const read = (name: string): string => readFileSync(join(folder, name), "utf8");
  server.setSecureContext({ cert: read("scheduler.pem"), key: read("scheduler-key.pem") });
  server.on("request", ({ method, url, headers }, response) => {
    const isRight = headers.authorization === "Bearer right" && method === "POST" && url === "/api/v1/codes";
    response.writeHead(isRight ? 201 : 401).end(JSON.stringify({ path: "/status?code=1" }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  page = `https://127.0.0.1:${(server.address() as AddressInfo).port}/status`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

it("is made over TLS, with the CA and with no other", async () => {
  expect(await makePageLink(page, "right", caFile)).toBe(new URL("/status?code=1", page).href);
  await expect(makePageLink(page, "wrong", caFile)).rejects.toMatchObject({ code: "FLOCK_UNAUTHORIZED" });
  for (const ca of [null, join(other, "ca.pem")])
    await expect(makePageLink(page, "right", ca)).rejects.toMatchObject({
      code: "FLOCK_CERTIFICATE_UNTRUSTED",
      message: expect.stringMatching(/verify|self.signed/i),
    });
  await expect(makePageLink(page, "right", join(folder, "none.pem"))).rejects.toMatchObject({
    message: expect.stringContaining("none.pem"),
  });
});

it("the doctor says until when the certificate is good, before it ends", async () => {
  const { host } = new URL(page);
  expect(await checkCertificate(host)).toMatchObject([{ ok: true, what: expect.stringContaining("is good until") }]);
  const soon = new Date(Date.now() + 20 * 3_600_000);
  expect(await checkCertificate(host, soon)).toMatchObject([
    { ok: false, what: expect.stringMatching(/ends on .+, in 0 days/), advice: expect.stringContaining("certs renew") },
  ]);
  expect(await checkCertificate("127.0.0.1:1")).toEqual([]);
});
