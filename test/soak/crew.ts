// The clients' processes: the first one lives through it all, the other is killed now and then.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Journal } from "./journal.ts";
import type { FromPlayer, Litter, Outcome, Tally, ToPlayer } from "./messages.ts";

const program = fileURLToPath(new URL("./player.ts", import.meta.url));

/** Units under way in each client. */
const AT_ONCE = 5;

export interface Loss {
  readonly what: string;
  readonly since: number;
  readonly until: number;
  readonly isRetireEnough: boolean;
}

interface Member {
  readonly name: string;
  readonly child: ChildProcess;
  readonly litter: Map<string, Litter>;
  tally: Tally | null;
  bytesInUse: number;
  onDrained: (() => void) | null;
  isGoing: boolean;
}

export class Crew {
  /** What may have been lost, to be held against what was done to workers. */
  readonly losses: Loss[] = [];
  /** What clients that were killed left on the cluster, by contract. */
  readonly litter: Litter[] = [];
  readonly #address: string;
  readonly #journal: Journal;
  readonly #env: NodeJS.ProcessEnv;
  readonly #members: Member[] = [];
  readonly #past: Tally[] = [];
  #isWorking = false;
  #isClosed = false;
  #started = 0;

  constructor(address: string, env: NodeJS.ProcessEnv, journal: Journal) {
    this.#address = address;
    this.#env = env;
    this.#journal = journal;
  }

  /** Of the client that lives through it all, after its last drain. */
  get bytesInUse(): number {
    return this.#members[0]?.bytesInUse ?? 0;
  }

  get tallies(): readonly Tally[] {
    return [...this.#past, ...this.#members.flatMap(({ tally }) => tally ?? [])];
  }

  async add(seed: number): Promise<void> {
    if (this.#isClosed) return;
    const name = `client-${++this.#started}`;
    const child = fork(program, [this.#address, name, String(seed), String(AT_ONCE)], {
      execArgv: [...process.execArgv, "--expose-gc"],
      env: this.#env,
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    const member: Member = {
      ...{ name, child, litter: new Map(), tally: null, bytesInUse: 0, onDrained: null, isGoing: false },
    };
    this.#members.push(member);
    const connected = new Promise<void>((resolve) => {
      child.on("message", (message: FromPlayer) => {
        if (message.t === "connected") resolve();
        else this.#hear(member, message);
      });
    });
    child.once("exit", (code, signal) => this.#ended(member, signal ?? code));
    await Promise.race([connected, once(child, "exit")]);
    if (this.#isWorking) this.#tell(member, { t: "begin" });
  }

  begin(): void {
    this.#isWorking = true;
    for (const member of this.#members) this.#tell(member, { t: "begin" });
  }

  /** Resolves when every client has finished what was under way. */
  async drain(): Promise<void> {
    this.#isWorking = false;
    await Promise.all(
      this.#members.map((member) => {
        const drained = new Promise<void>((resolve) => {
          member.onDrained = resolve;
        });
        this.#tell(member, { t: "drain" });
        return drained;
      }),
    );
  }

  /** Kills (-9) the last one that came, and starts another. */
  async replaceLast(seed: number): Promise<string> {
    const member = this.#members.at(-1)!;
    member.isGoing = true;
    const gone = once(member.child, "exit");
    member.child.kill("SIGKILL");
    await gone;
    await this.add(seed);
    return member.name;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const gone = this.#members.map(async (member) => {
      member.isGoing = true;
      if (member.child.exitCode !== null || member.child.signalCode !== null) return;
      const exited = once(member.child, "exit");
      member.child.kill("SIGKILL");
      await exited;
    });
    await Promise.all(gone);
  }

  #hear(member: Member, message: FromPlayer): void {
    if (message.t === "tally" || message.t === "drained") member.tally = message.tally;
    if (message.t === "wrong") this.#journal.wrong(message.text);
    if (message.t === "lost") this.losses.push(message);
    if (message.t === "litter") {
      const { kind, name } = message.litter;
      if (message.isThere) member.litter.set(`${kind} ${name}`, message.litter);
      else member.litter.delete(`${kind} ${name}`);
    }
    if (message.t === "drained") {
      member.bytesInUse = message.bytesInUse;
      member.onDrained?.();
    }
  }

  #ended(member: Member, how: string | number | null): void {
    if (!member.isGoing) this.#journal.wrong(`${member.name} ended by itself (${how})`);
    if (member.tally !== null) this.#past.push(member.tally);
    this.litter.push(...member.litter.values());
    this.#members.splice(this.#members.indexOf(member), 1);
    member.onDrained?.();
  }

  #tell(member: Member, message: ToPlayer): void {
    if (member.child.connected) member.child.send(message);
  }
}

export function outcomesOf(tallies: readonly Tally[]): Readonly<Record<Outcome, number>> {
  const sums: Record<Outcome, number> = {
    ...{ right: 0, failedByPlan: 0, cancelled: 0, released: 0, dataLost: 0, actorLost: 0 },
  };
  for (const { outcomes } of tallies) {
    for (const [outcome, count] of Object.entries(outcomes)) sums[outcome as Outcome] += count;
  }
  return sums;
}
