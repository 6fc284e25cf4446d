// Reports of a real cluster: what is in the file, and what happens when it cannot be made.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FeedMessage } from "@taskflock/protocol/words";
import { type Client, LocalCluster } from "taskflock";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cli } from "./processes.ts";

interface Data {
  readonly title: string;
  readonly message: FeedMessage;
  readonly leftOut: readonly string[];
}

let cluster: LocalCluster;
let client: Client;
const folder = mkdtempSync(join(tmpdir(), "taskflock-report-"));
const fileOf = (name: string): string => join(folder, name);

function dataOf(file: string): Data {
  const text = readFileSync(file, "utf8");
  return JSON.parse(/<script type="application\/json" id="report">(.*?)<\/script>/s.exec(text)?.[1] ?? "null");
}

const keysOf = ({ message }: Data): number => message.spans?.task.length ?? 0;

beforeAll(async () => {
  cluster = await LocalCluster.start({ workers: 1 });
  client = await cluster.connect();
});

afterAll(async () => {
  await client?.close();
  await cluster?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("client.report", () => {
  it("writes what happened while the work ran, and no more, and gives what the work gives", async () => {
    await client.submit(function before() {}, []).result();
    const file = fileOf("run.html");
    const work = async (): Promise<number> => {
      const told = client.submit(
        function told(text: string) {
          console.log(text);
          return 7;
        },
        ["</script><!-- <script>alert(1)"],
      );
      return told.result();
    };
    expect(await client.report(file, work, { title: "a </script> title" })).toBe(7);
    const data = dataOf(file);
    expect(data.title).toBe("a </script> title");
    expect(data.leftOut).toEqual([]);
    expect(keysOf(data)).toBe(1);
    expect(data.message.overview.functions.find(({ name }) => name === "told")).toMatchObject({ done: 1 });
    expect(data.message.overview.functions.find(({ name }) => name === "before")).toMatchObject({ done: 0 });
    expect(data.message.logs?.items.map(({ text }) => text)).toEqual(["</script><!-- <script>alert(1)"]);
    expect(data.message.workers?.added.map(({ name }) => name)).toEqual(["worker-1"]);
    expect(data.message.points.length).toBeGreaterThanOrEqual(2);
    const html = readFileSync(file, "utf8");
    expect(html.match(/<\/script>/g)).toHaveLength(2);
    expect(html).toContain(`content="default-src 'none'; script-src 'sha256-`);
  });

  it("is less than 500 kB when it is empty, and names nothing elsewhere", () => {
    const file = join(import.meta.dirname, "../../packages/dashboard/dist/report-template.html");
    expect(statSync(file).size).toBeLessThan(500_000);
    expect(readFileSync(file, "utf8")).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  });

  it("writes it when the work throws, and passes the error on", async () => {
    const file = fileOf("thrown.html");
    const work = async (): Promise<void> => {
      await client.submit(function once() {}, []).result();
      throw new RangeError("mine");
    };
    await expect(client.report(file, work)).rejects.toThrow(new RangeError("mine"));
    expect(keysOf(dataOf(file))).toBe(1);
  });

  it("writes what is remembered", async () => {
    const file = fileOf("now.html");
    const { bytes } = await client.report(file);
    expect(bytes).toBe(statSync(file).size);
    expect(keysOf(dataOf(file))).toBeGreaterThanOrEqual(3);
  });

  it("says before the work begins that the file cannot be written", async () => {
    let began = false;
    const work = (): void => {
      began = true;
    };
    const written = client.report(fileOf("no/such/folder/run.html"), work);
    await expect(written).rejects.toMatchObject({ code: "FLOCK_REPORT_NOT_WRITTEN" });
    expect(began).toBe(false);
  });

  it("says why the page does not answer, and leaves no file behind", async () => {
    const server = createServer((_request, response) => response.writeHead(503).end("busy")).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const refused = client.report(fileOf("a.html"), { dashboard: `http://127.0.0.1:${port}/status` });
    await expect(refused).rejects.toMatchObject({ code: "FLOCK_DASHBOARD_UNREACHABLE" });
    await expect(refused).rejects.toThrow(/503/);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    const gone = client.report(fileOf("a.html"), () => 1, { dashboard: `http://127.0.0.1:${port}` });
    await expect(gone).rejects.toMatchObject({ code: "FLOCK_DASHBOARD_UNREACHABLE" });
    expect(readdirSync(folder).filter((name) => name.startsWith("a.html"))).toEqual([]);
  });

  it("refuses what is no file, no address, no option", async () => {
    await expect(client.report("")).rejects.toMatchObject({ code: "FLOCK_ARGUMENT_INVALID" });
    const bad = [{ dashboard: "nowhere" }, { maxSeconds: 0 }, { maxSeconds: 86_401 }, { titel: "a" }];
    for (const options of bad) {
      await expect(client.report(fileOf("b.html"), options)).rejects.toMatchObject({ code: "FLOCK_OPTION_INVALID" });
    }
    expect(existsSync(fileOf("b.html"))).toBe(false);
  });
});

describe("taskflock report", () => {
  const run = async (...args: readonly string[]): Promise<{ code: number | null; out: string }> => {
    const child = spawn(process.execPath, [cli, "report", ...args], {
      env: { ...process.env, TASKFLOCK_TOKEN: cluster.token },
    });
    let out = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => (out += String(part)));
    const [code] = (await once(child, "close")) as [number | null];
    return { code, out };
  };

  it("writes what is remembered, or collects for a while", async () => {
    const file = fileOf("cli.html");
    expect(await run(cluster.address, "-o", file)).toEqual({ code: 0, out: `${file}\n` });
    expect(keysOf(dataOf(file))).toBeGreaterThanOrEqual(3);
    expect(await run("--address", cluster.address, "-o", file, "--seconds", "1", "--title", "night")).toMatchObject({
      code: 0,
    });
    expect(dataOf(file)).toMatchObject({ title: "night" });
    expect(keysOf(dataOf(file))).toBe(0);
  });
});
