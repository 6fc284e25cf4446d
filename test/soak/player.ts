// A client's process: it keeps some units of work under way, judges each, and tells the program that started it.

import { Client } from "taskflock";
import { Random } from "../simulation/random.ts";
import { Desk, Wrong } from "./desk.ts";
import type { FromPlayer, Outcome, Tally, ToPlayer } from "./messages.ts";
import { units } from "./units/index.ts";
import { weighted } from "./weighted.ts";

/**
 * A unit takes a second or so. One that has not ended after so long waits for what will not come: the longest fault, a worker that does
 * not answer, ends after 30 s.
 */
const STUCK_MS = 180_000;

const outcomes: readonly Outcome[] = ["right", "failedByPlan", "cancelled", "released", "dataLost", "actorLost"];

class Player {
  readonly #client: Client;
  readonly #name: string;
  readonly #random: Random;
  readonly #atOnce: number;
  readonly #underWay: Map<Promise<void>, Desk> = new Map();
  readonly #outcomes: Record<Outcome, number>;
  #units = 0;
  #isOpen = false;
  #isStuck = false;

  constructor(client: Client, name: string, seed: number, atOnce: number) {
    this.#client = client;
    this.#name = name;
    this.#random = new Random(seed);
    this.#atOnce = atOnce;
    this.#outcomes = Object.fromEntries(outcomes.map((outcome) => [outcome, 0])) as Record<Outcome, number>;
    setInterval(() => this.#look(), 1_000);
  }

  begin(): void {
    this.#isOpen = true;
    while (this.#underWay.size < this.#atOnce) this.#beginOne();
  }

  async drain(): Promise<void> {
    this.#isOpen = false;
    while (this.#underWay.size > 0) await Promise.race(this.#underWay.keys());
    for (let round = 0; round < 3; round++) {
      globalThis.gc?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    this.#say({ t: "drained", bytesInUse: heapUsed + arrayBuffers, tally: this.#tally() });
  }

  #beginOne(): void {
    const unit = weighted(this.#random, units);
    const desk = new Desk(
      {
        client: this.#client,
        random: this.#random,
        say: (message) => this.#say(message),
        count: (outcome) => {
          this.#outcomes[outcome]++;
        },
      },
      `${this.#name}/${unit.name}-${++this.#units}`,
    );
    const work = this.#do(unit, desk).finally(() => {
      this.#underWay.delete(work);
      if (this.#isOpen) this.#beginOne();
    });
    this.#underWay.set(work, desk);
  }

  async #do(unit: (desk: Desk) => Promise<void>, desk: Desk): Promise<void> {
    try {
      await unit(desk);
    } catch (error) {
      const text = error instanceof Wrong ? error.message : String(error instanceof Error ? error.stack : error);
      this.#say({ t: "wrong", text: `${desk.name}: ${text}` });
    } finally {
      desk.releaseAll();
    }
  }

  #look(): void {
    this.#say({ t: "tally", tally: this.#tally() });
    const old = [...this.#underWay.values()].filter(({ begunAt }) => Date.now() - begunAt > STUCK_MS);
    if (old.length === 0 || this.#isStuck) return;
    this.#isStuck = true;
    for (const desk of old) void this.#tellStuck(desk);
  }

  async #tellStuck(desk: Desk): Promise<void> {
    const lines: string[] = [];
    for (const future of desk.pending.slice(0, 5)) {
      const { text } = await this.#client.why(future).catch((error: Error) => ({ text: error.message }));
      lines.push(`${future.key}: ${text}`);
    }
    const what = `${desk.name} has not ended after ${STUCK_MS / 1_000} s; ${desk.pending.length} futures are pending`;
    this.#say({ t: "wrong", text: [what, ...lines].join("\n  ") });
  }

  #tally(): Tally {
    const tasks = Object.values(this.#outcomes).reduce((sum, count) => sum + count, 0);
    return { tasks, units: this.#units - this.#underWay.size, outcomes: { ...this.#outcomes } };
  }

  #say(message: FromPlayer): void {
    if (process.connected) process.send?.(message);
  }
}

const [address, name, seed, atOnce] = process.argv.slice(2) as [string, string, string, string];
process.once("disconnect", () => process.exit(0));
const client = await Client.connect(address, { name, packages: "installed", logs: "ignore" });
const player = new Player(client, name, Number(seed), Number(atOnce));
process.on("message", (message: ToPlayer) => {
  if (message.t === "begin") player.begin();
  else void player.drain();
});
process.send?.({ t: "connected" } satisfies FromPlayer);
