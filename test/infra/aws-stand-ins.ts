// Real Taskflock processes in the place of an emulated cluster's machines, on loopback addresses: each gets the secrets that Terraform
// wrote to Parameter Store. What machines really boot with is aws-boot.test.ts's matter.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BegunRole, beginRole } from "../system/processes.ts";
import type { Hardware } from "./aws-emulator/hardware.ts";
import type { Instance, World } from "./aws-emulator/world.ts";

export class StandIns implements Hardware {
  /** Of the machines' network: 127.x, of this process's own, so that tests can run beside each other. */
  readonly network = `127.${1 + (process.pid % 250)}`;
  readonly #folder: string = mkdtempSync(join(tmpdir(), "taskflock-stand-ins-"));
  readonly #roles: Map<string, BegunRole> = new Map();
  #world: World | null = null;
  #scheduler = "";

  set world(world: World) {
    this.#world = world;
  }

  /** Workers that are to join, or not. */
  doWorkersBoot = true;

  async start(instance: Instance): Promise<void> {
    // The scheduler is found at its public address, which is on no card here.
    Object.assign(instance, { publicIp: instance.privateIp });
    const isScheduler = instance.tags.get("Name")?.endsWith("-scheduler") === true;
    if (!isScheduler && !this.doWorkersBoot) return;
    const role = beginRole(isScheduler ? this.#schedulerOf(instance) : this.#workerOf(instance));
    this.#roles.set(instance.id, role);
    role.ready.catch(() => undefined); // it may be ended before
    if (isScheduler) await role.ready;
  }

  async stop({ id }: Instance): Promise<void> {
    const role = this.#roles.get(id);
    if (role === undefined) return;
    const exited = new Promise((resolve) => {
      if (role.child.exitCode === null && role.child.signalCode === null) role.child.once("close", resolve);
      else resolve(null);
    });
    role.child.kill("SIGTERM");
    await exited;
  }

  /** What a machine's process has printed. */
  printed(id: string): string {
    return this.#roles.get(id)?.stderr() ?? "";
  }

  dispose(): void {
    for (const { child } of this.#roles.values()) child.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #schedulerOf({ privateIp }: Instance): string[] {
    this.#scheduler = privateIp;
    const place = ["--host", privateIp, "--dashboard-host", privateIp, "--log-level", "warn"];
    const certificates = () => [
      "--tls-cert",
      this.#secret("scheduler.pem"),
      "--tls-key",
      this.#secret("scheduler-key.pem"),
    ];
    const tokens = ["--token-file", this.#secret("token"), "--worker-token-file", this.#secret("worker-token")];
    return ["scheduler", ...place, ...(this.#usesTls ? certificates() : []), ...tokens];
  }

  #workerOf({ id, privateIp }: Instance): string[] {
    const place = ["--name", id, "--host", privateIp, "--threads", "1", "--no-nanny", "--log-level", "warn"];
    const secrets = [
      ...(this.#usesTls ? ["--tls-ca", this.#secret("ca.pem")] : []),
      "--token-file",
      this.#secret("worker-token"),
    ];
    return ["worker", `${this.#scheduler}:8786`, ...place, ...secrets];
  }

  get #usesTls(): boolean {
    return [...(this.#world?.parameters.keys() ?? [])].some((name) => name.endsWith("/scheduler.pem"));
  }

  /** A file with what Parameter Store has under a name that ends so. */
  #secret(name: string): string {
    const parameter = [...(this.#world?.parameters.values() ?? [])].find((one) => one.name.endsWith(`/${name}`));
    if (parameter === undefined) throw new Error(`Terraform has written no ${name} to Parameter Store.`);
    const file = join(this.#folder, name);
    writeFileSync(file, parameter.value, { mode: 0o600 });
    return file;
  }
}
