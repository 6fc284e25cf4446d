// A real S3 API for tests: Ceph's radosgw on one machine, on free ports of loopback, its data in memory.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { missingS3Server } from "../../scripts/s3-server.mjs";

const run = promisify(execFile);

export interface S3Server {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Kills the gateway, as a crash would; `startGateway` brings it back, with its data. */
  killGateway(): Promise<void>;
  startGateway(): Promise<void>;
  stop(): Promise<void>;
}

export async function startS3(): Promise<S3Server> {
  const missing = missingS3Server();
  if (missing !== undefined) throw new Error(missing);
  const cluster = new Cluster(await freePort(), await freePort());
  try {
    await cluster.start();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

class Cluster implements S3Server {
  readonly accessKeyId = "taskflock-test";
  readonly secretAccessKey = "not-a-secret-of-anyone";
  readonly endpoint: string;
  readonly #folder: string = mkdtempSync(join(tmpdir(), "taskflock-s3-"));
  readonly #gatewayPort: number;
  readonly #monitorPort: number;
  readonly #id: string = randomUUID();
  readonly #daemons: Set<ChildProcess> = new Set();
  #gateway: ChildProcess | undefined;
  // Also when the tests end badly nothing keeps running.
  readonly #atExit = (): void => this.#killAll();

  constructor(gatewayPort: number, monitorPort: number) {
    this.#gatewayPort = gatewayPort;
    this.#monitorPort = monitorPort;
    this.endpoint = `http://127.0.0.1:${gatewayPort}`;
    process.once("exit", this.#atExit);
  }

  async start(): Promise<void> {
    for (const folder of ["mon", "osd", "rgw", "run", "log"]) mkdirSync(join(this.#folder, folder));
    writeFileSync(this.#configuration, this.#settings());
    await this.#startMonitor();
    await this.#startStore();
    await this.startGateway();
    const user = ["user", "create", "--uid=test", "--display-name=test", `--access-key=${this.accessKeyId}`];
    await this.#do("radosgw-admin", ...user, `--secret=${this.secretAccessKey}`);
  }

  async startGateway(): Promise<void> {
    this.#gateway = this.#daemon("radosgw", "-n", "client.rgw", "-f");
    await this.#until("the gateway", async () => (await fetch(this.endpoint)).ok);
  }

  async killGateway(): Promise<void> {
    if (this.#gateway === undefined) return;
    const ended = once(this.#gateway, "close");
    this.#gateway.kill("SIGKILL");
    await ended;
  }

  async stop(): Promise<void> {
    const running = [...this.#daemons].map((daemon) => once(daemon, "close"));
    this.#killAll();
    await Promise.all(running);
    process.off("exit", this.#atExit);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #startMonitor(): Promise<void> {
    const keyring = join(this.#folder, "keyring");
    const map = join(this.#folder, "monmap");
    const address = `[v1:127.0.0.1:${this.#monitorPort}]`;
    await run("monmaptool", ["--create", "--addv", "a", address, "--fsid", this.#id, map]);
    const all = (...rooms: string[]): string[] => rooms.flatMap((room) => ["--cap", room, "allow *"]);
    await run("ceph-authtool", ["--create-keyring", keyring, "--gen-key", "-n", "mon.", ...all("mon")]);
    await run("ceph-authtool", [keyring, "--gen-key", "-n", "client.admin", ...all("mon", "osd", "mgr")]);
    await this.#do("ceph-mon", "-i", "a", "--mkfs", "--monmap", map, "--keyring", keyring);
    this.#daemon("ceph-mon", "-i", "a", "-f");
    await this.#until("the monitor", () => this.#ceph("mon", "stat"));
  }

  async #startStore(): Promise<void> {
    const id = randomUUID();
    await this.#ceph("osd", "new", id, "0");
    await this.#do("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", id);
    await this.#ceph("osd", "crush", "add", "osd.0", "1.0", "root=default", "host=localhost");
    const start = (): ChildProcess => this.#daemon("ceph-osd", "-i", "0", "-f");
    let store = start();
    await this.#until("the store", async () => {
      // It may ask the monitor before it knows the cluster's number, is refused ("wrong fsid"), and ends.
      if (store.exitCode !== null) store = start();
      return (await this.#ceph("osd", "stat")).includes("1 up");
    });
  }

  #daemon(program: string, ...args: string[]): ChildProcess {
    const daemon = spawn(program, ["-c", this.#configuration, ...args], { stdio: "ignore" });
    this.#daemons.add(daemon);
    daemon.once("close", () => this.#daemons.delete(daemon));
    return daemon;
  }

  async #do(program: string, ...args: string[]): Promise<string> {
    return (await run(program, ["-c", this.#configuration, ...args], { timeout: 30_000 })).stdout;
  }

  async #ceph(...words: string[]): Promise<string> {
    return await this.#do("ceph", "--connect-timeout", "5", ...words);
  }

  async #until(what: string, ready: () => Promise<unknown>): Promise<void> {
    let last: unknown;
    for (const end = Date.now() + 40_000; Date.now() < end; await pause(100)) {
      const answer = await ready().catch((error: unknown) => {
        last = error;
        return false;
      });
      if (answer !== false) return;
    }
    throw new Error(`${what} of the S3 server did not start: ${last}`);
  }

  #killAll(): void {
    for (const daemon of this.#daemons) daemon.kill("SIGKILL");
  }

  get #configuration(): string {
    return join(this.#folder, "ceph.conf");
  }

  /** One copy of everything, in memory, and no authentication inside: only the gateway's own counts. */
  #settings(): string {
    const folder = this.#folder;
    const lines = [
      ...["[global]", `fsid = ${this.#id}`, `mon host = [v1:127.0.0.1:${this.#monitorPort}]`, "ms bind ipv4 = true"],
      ...["public addr = 127.0.0.1", "cluster addr = 127.0.0.1"],
      ...["auth cluster required = none", "auth service required = none", "auth client required = none"],
      ...["osd pool default size = 1", "osd pool default min size = 1", "mon allow pool size one = true"],
      ...["osd pool default pg num = 1", "osd pool default pgp num = 1", "osd crush chooseleaf type = 0"],
      ...["osd objectstore = memstore", "memstore device bytes = 4294967296", "mon max pg per osd = 1000"],
      ...["osd max object name len = 460", "osd max object namespace len = 64"],
      ...[
        `osd data = ${folder}/osd`,
        `mon data = ${folder}/mon`,
        `run dir = ${folder}/run`,
        `keyring = ${folder}/keyring`,
      ],
      ...[
        `log file = ${folder}/log/$name.log`,
        `admin socket = ${folder}/run/$name.asok`,
        `pid file = ${folder}/run/$name.pid`,
      ],
      // It waits a second before each change, for others to come along; a start makes some ten, one after the other.
      ...["paxos propose interval = 0.02", "paxos min wait = 0.01"],
      ...["[client.rgw]", `rgw frontends = beast endpoint=127.0.0.1:${this.#gatewayPort}`, `rgw data = ${folder}/rgw`],
    ];
    return `${lines.join("\n")}\n`;
  }
}
