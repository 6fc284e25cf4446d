// What a scheduler says of the certificate that it was given.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { expect, test } from "vitest";
import { initCertificates } from "../src/certs/certificates.ts";
import { openCertificate } from "../src/roles/certificate.ts";

test("an authority's own certificate is warned about, one that it signed is not", async () => {
  const folder = mkdtempSync(join(tmpdir(), "taskflock-own-certificate-"));
  await initCertificates(folder, { hosts: [], days: 90, caDays: 900, present: "refuse" });
  const warned = async (name: string): Promise<string[]> => {
    const lines: string[] = [];
    const logger = pino(
      { level: "warn" },
      { write: (line) => void lines.push((JSON.parse(line) as { msg: string }).msg) },
    );
    const flags = { tlsCert: join(folder, `${name}.pem`), tlsKey: join(folder, `${name}-key.pem`) };
    const certificate = openCertificate(flags, logger);
    await import("../src/certs/describe.ts"); // which it asks before it warns
    await new Promise(setImmediate);
    certificate?.close();
    return lines;
  };
  expect(await warned("scheduler")).toEqual([]);
  expect(await warned("ca")).toEqual([expect.stringContaining("an authority's own")]);
  process.removeAllListeners("SIGHUP");
  rmSync(folder, { recursive: true });
});
