// A web server with TLS, whose certificate is made for the test: trusted by a process that is told so, and by no other.
import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openStorage } from "../../src/storage/open-storage.ts";

function hasOpenssl(): boolean {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!hasOpenssl())("a web server with TLS", () => {
  const folder = mkdtempSync(join(tmpdir(), "taskflock-tls-"));
  const certificate = join(folder, "cert.pem");
  let server: Server;
  let address: string;

  beforeAll(async () => {
    const key = join(folder, "key.pem");
    const names = ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"];
    const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    execFileSync("openssl", ["req", ...kind, "-keyout", key, "-out", certificate, ...names], { stdio: "ignore" });
    server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (request, response) => {
      if (request.url === "/down") response.writeHead(302, { location: "http://127.0.0.1/x" }).end();
      else response.end("a,b\n1,2\n");
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    address = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server?.closeAllConnections();
    server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const source = pathToFileURL(fileURLToPath(new URL("../../src/storage/open-storage.ts", import.meta.url))).href;
  async function readTrusting(name: string): Promise<string> {
    const program = `
      const { openStorage } = await import(${JSON.stringify(source)});
      const storage = await openStorage(${JSON.stringify(address)});
      const bytes = await storage.read(${JSON.stringify(name)}).catch(({ code, message }) => code + " " + message);
      process.stdout.write(bytes);`;
    const args = ["--import", "tsx", "--input-type=module", "-e", program];
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: certificate };
    return (await promisify(execFile)(process.execPath, args, { env })).stdout;
  }

  it("is read where its certificate is trusted", async () => {
    expect(await readTrusting("file.csv")).toBe("a,b\n1,2\n");
  });

  it("is not followed to an address without TLS", async () => {
    expect(await readTrusting("down")).toMatch(/^FLOCK_STORAGE_FAILED .*redirects to http:.*not followed/);
  });

  it("is refused where its certificate is not trusted, at once, with what to do", async () => {
    await expect((await openStorage(address)).read("file.csv")).rejects.toMatchObject({
      code: "FLOCK_STORAGE_UNREACHABLE",
      message: expect.stringMatching(/NODE_EXTRA_CA_CERTS.*tried once/),
    });
  });
});
