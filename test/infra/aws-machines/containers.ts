// Instances as containers that boot: systemd is their first process, cloud-init reads the metadata service, Docker runs within.
import type { Hardware } from "../aws-emulator/hardware.ts";
import type { Instance } from "../aws-emulator/world.ts";
import type { DockerEngine, Outcome } from "../docker-engine.ts";
import { ami } from "./ami.ts";

/** What a machine's root has, without what would reach this machine's clock or kernel. */
const capabilities = [
  ...["audit_control", "audit_read", "audit_write", "block_suspend", "chown", "dac_override", "dac_read_search"],
  ...["fowner", "fsetid", "ipc_lock", "ipc_owner", "kill", "lease", "linux_immutable", "mac_admin", "mac_override"],
  ...["mknod", "net_admin", "net_bind_service", "net_broadcast", "net_raw", "setfcap", "setgid", "setpcap", "setuid"],
  ...["sys_admin", "sys_boot", "sys_chroot", "sys_nice", "sys_pacct", "sys_ptrace", "sys_tty_config", "syslog"],
  "wake_alarm",
];

/** EC2 switches off what has not shut down by then. */
const shutdownSeconds = 150;

export interface Place {
  readonly network: string;
  /** ECR's host, found at the gateway. */
  readonly registry: string;
  readonly gateway: string;
}

export class Containers implements Hardware {
  readonly #engine: DockerEngine;
  readonly #place: Place;
  /** Of what was seen to end, in order. */
  readonly ended: string[] = [];

  constructor(engine: DockerEngine, place: Place) {
    this.#engine = engine;
    this.#place = place;
  }

  async start({ id, privateIp }: Instance, ended: () => void): Promise<void> {
    const { network, registry, gateway } = this.#place;
    await this.#engine.run(["rm", "--force", "--volumes", this.#name(id)]); // of a test that was broken off
    const open = ["seccomp", "apparmor", "systempaths"].flatMap((what) => ["--security-opt", `${what}=unconfined`]);
    await this.#engine.must([
      ...["run", "--detach", "--name", this.#name(id), "--hostname", id, "--label", "taskflock-test=instance"],
      ...["--network", network, "--ip", privateIp, "--add-host", `${registry}:${gateway}`],
      ...capabilities.flatMap((name) => ["--cap-add", name]),
      ...[...open, "--device-cgroup-rule", "a *:* rwm", "--tmpfs", "/run:exec", "--tmpfs", "/run/lock"],
      ...["--cgroupns", "host", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup:rw", ami],
    ]);
    void this.#engine.run(["wait", this.#name(id)]).then(() => ended());
  }

  async stop({ id }: Instance): Promise<void> {
    await this.#engine.run(["stop", "--time", String(shutdownSeconds), this.#name(id)]);
    await this.#engine.run(["rm", "--force", "--volumes", this.#name(id)]);
    this.ended.push(id);
  }

  /** A command in the machine. */
  run(id: string, ...command: string[]): Promise<Outcome> {
    return this.#engine.run(["exec", this.#name(id), ...command]);
  }

  /** What a unit wrote, and how it stands. For messages of failed tests. */
  async journal(id: string, unit = "taskflock.service"): Promise<string> {
    const { output } = await this.run(id, "journalctl", "--no-pager", "--lines", "60", "--unit", unit);
    return `${id}: ${output}`;
  }

  /** Those that there still are, whatever became of the emulator. */
  async left(): Promise<string[]> {
    const text = await this.#engine.must(["ps", "--all", "--quiet", "--filter", "label=taskflock-test=instance"]);
    return text.split("\n").filter((id) => id !== "");
  }

  #name(id: string): string {
    return `taskflock-test-${id}`;
  }
}
