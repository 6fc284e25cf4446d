// Looking back at a real cluster: what happened, what was printed, all that is known.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { gunzipSync } from "node:zlib";
import { type Client, type EventLine, LocalCluster } from "taskflock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cli, taskflock } from "./processes.ts";

let cluster: LocalCluster;
let client: Client;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "taskflock-watch-"));
  cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 1 });
  client = await cluster.connect({ logs: "ignore" });
}, 60_000);
afterAll(async () => {
  await client?.close();
  await cluster?.close();
  rmSync(folder, { recursive: true, force: true });
});

const shout = (what: string): string => {
  console.log(`it says ${what}`);
  return what;
};

describe("events", () => {
  test("a worker that dies is told while one watches, with how it died", async () => {
    const [worker] = await client.workers();
    const seen: EventLine[] = [];
    const watching = (async () => {
      for await (const event of client.followEvents()) {
        seen.push(event);
        if (event.kind === "workerLost") return;
      }
    })();
    await expect.poll(() => seen.length).toBeGreaterThanOrEqual(3);
    process.kill(worker!.pid, "SIGKILL");
    await watching;
    expect(seen.at(-1)).toMatchObject({ kind: "workerLost", who: worker!.name, text: "SIGKILL" });
    expect(Math.abs(Date.now() - seen.at(-1)!.time.getTime())).toBeLessThan(60_000);
    await client.waitForWorkers(2);
    const all = await client.events();
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, i) => i + 1));
    expect(await client.events({ since: all.length })).toEqual([]);
  }, 60_000);

  test("notes stand among them; a stream ends with its signal", async () => {
    const before = (await client.events()).length;
    await client.note("phase two begins");
    const end = new AbortController();
    const texts: string[] = [];
    for await (const event of client.followEvents({ since: before, signal: end.signal })) {
      texts.push(event.text);
      end.abort();
    }
    expect(texts[0]).toBe("phase two begins");
    await expect(client.note("")).rejects.toMatchObject({ code: "FLOCK_ARGUMENT_INVALID" });
    await expect(client.events({ since: -1 })).rejects.toMatchObject({ code: "FLOCK_OPTION_INVALID" });
  });
});

describe("printed lines", () => {
  test("of a task, of a run, of a worker", async () => {
    const run = client.run("shouting");
    const future = client.submit(shout, ["hello"], { run });
    const other = client.submit(shout, ["other"]);
    await client.gather([future, other]);
    const texts = async (options: Parameters<Client["logs"]>[0]): Promise<string> =>
      (await client.logs(options)).map(({ text }) => text).join("|");
    await expect.poll(() => texts({ task: future })).toContain("it says hello");
    expect(await texts({ task: future })).not.toContain("other");
    expect(await texts({ run })).toContain("it says hello");
    await expect.poll(() => texts({ task: other.key })).toContain("it says other");
    const [worker] = await client.workers();
    await expect.poll(() => texts({ worker: worker!.name })).toContain("worker joined");
    await expect(client.logs({ worker: 7 as never })).rejects.toMatchObject({ code: "FLOCK_OPTION_INVALID" });
    run.close();
  });
});

describe("a dump", () => {
  test("has the cluster, its tasks, their transitions, events and lines, also compressed", async () => {
    const future = client.submit(shout, ["dumped"], { key: "dumped-task" });
    await future.result();
    const file = join(folder, "state.jsonl.gz");
    const dumped = await client.dump(file);
    const rows = gunzipSync(readFileSync(file))
      .toString()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { section: string; key?: string; state?: string });
    expect(rows[0]).toMatchObject({ section: "cluster", workers: [{}, {}] });
    expect(rows.find(({ section, key }) => section === "tasks" && key === "dumped-task")).toMatchObject({
      state: "done",
    });
    for (const section of ["story", "events", "logs"]) expect(rows.some((row) => row.section === section)).toBe(true);
    expect(rows.filter(({ section }) => section === "tasks")).toHaveLength(dumped.tasks);
    expect(readdirSync(folder)).toEqual(["state.jsonl.gz"]);
  });

  test("that cannot be written says so", async () => {
    await expect(client.dump(join(folder, "absent", "x"))).rejects.toMatchObject({ code: "FLOCK_OPTION_INVALID" });
    await expect(client.dump("")).rejects.toMatchObject({ code: "FLOCK_ARGUMENT_INVALID" });
  });
});

describe("the command line", () => {
  const place = (): string[] => ["--address", cluster.address, "--token-file", join(folder, "token")];
  beforeAll(() => writeFileSync(join(folder, "token"), cluster.token, { mode: 0o600 }));

  test("prints events, lines, and writes dumps", async () => {
    await client.note("a note\nof two lines");
    const events = await taskflock(["events", ...place()]);
    expect(events.stdout).toContain("a note\\nof two lines"); // each on one line
    expect(events).toMatchObject({ code: 0, stderr: "" });
    expect(events.stdout).toMatch(/ workerJoined {2,}\S+ /);
    const json = await taskflock(["events", "--json", "--since", "1", ...place()]);
    expect(JSON.parse(json.stdout.split("\n")[0]!)).toMatchObject({ seq: 2 });
    await client.call(shout, ["for the terminal"], { key: "terminal" });
    await expect.poll(async () => (await client.logs({ task: "terminal" })).length).toBeGreaterThan(0);
    const logs = await taskflock(["logs", "--task", "terminal", ...place()]);
    expect(logs.stdout).toMatch(/\[\S+ terminal\] it says for the terminal/);
    const file = join(folder, "cli.jsonl");
    expect((await taskflock(["dump", file, ...place()])).stdout).toMatch(/cli\.jsonl: \d+ tasks, \d+ transitions/);
    expect(readFileSync(file, "utf8")).toContain('"section":"cluster"');
  }, 60_000);

  test("follows, until its reader has enough", async () => {
    const child = spawn(process.execPath, [cli, "events", "--follow", ...place()], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const lines = createInterface({ input: child.stdout });
    let found = "";
    for await (const line of lines) {
      if (line.includes("taskflock events")) void client.note("and a last one");
      if (line.includes("a last one")) {
        found = line;
        break;
      }
    }
    expect(found).toContain("note");
    child.stdout.destroy(); // as `| head` does
    await client.note("one that nobody reads");
    const [code] = (await once(child, "close")) as [number | null];
    expect(code).toBe(0);
  }, 60_000);
});
