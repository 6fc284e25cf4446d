// The scheduler's shell, modelled: links and deadlines around the real machine.

import type {
  Cause,
  ClientToScheduler,
  Micros,
  PayloadRef,
  SchedulerToClient,
  SchedulerToWorker,
  SessionId,
  StoryLine,
  TaskNumber,
  WorkerHello,
  WorkerId,
  WorkerToScheduler,
} from "@taskflock/protocol/words";
import type { SchedulerConfig, SchedulerEvent, SchedulerPort } from "@taskflock/scheduler/machine";
import { defaultSchedulerConfig, SchedulerMachine } from "@taskflock/scheduler/machine";
import type { ModelLink, SchedulerEnd } from "./link.ts";
import type { AnyMessage, Packed } from "./payloads.ts";
import { PayloadTable, pack, unpack } from "./payloads.ts";
import type { World } from "./world.ts";

type Bare<E> = E extends SchedulerEvent ? Omit<E, "at" | "cause"> : never;

interface Party {
  readonly link: ModelLink;
  /** Specs of the tasks that were ever assigned to it. */
  readonly assigned: Set<number>;
  up: boolean;
  /** A worker's snapshot of this connection has arrived; a client reads. */
  open: boolean;
  leaving: boolean;
  /** Counts cuts, so that an old deadline changes nothing. */
  cuts: number;
}

export interface ShellOptions {
  /** After a cut, how long a party may stay away, µs. */
  readonly clientPatienceUs: number;
  readonly workerPatienceUs: number;
  readonly config: SchedulerConfig;
  /** Told when a worker is given up. */
  onWorkerLost(id: WorkerId, assigned: ReadonlySet<number>): void;
  /** True swallows the message, whoever says it: for the tests of the simulation itself. */
  readonly tamper?: ((message: AnyMessage) => boolean) | undefined;
}

export class SchedulerShell implements SchedulerEnd {
  readonly machine: SchedulerMachine;
  readonly payloads: PayloadTable = new PayloadTable("the scheduler");
  readonly recording: SchedulerEvent[] = [];
  /** How often each kind of message was said. */
  readonly said = new Map<string, number>();
  readonly #world: World;
  readonly #options: ShellOptions;
  readonly #clients = new Map<number, Party>();
  readonly #workers = new Map<number, Party>();
  readonly #ids = new Map<ModelLink, number>();
  readonly #hellos: (link: ModelLink) => WorkerHello;
  #lastAnswer: unknown = null;
  #lastId = 0;
  #alarm = 0;
  #cause = 0;

  constructor(world: World, options: ShellOptions, hellos: (link: ModelLink) => WorkerHello) {
    this.#world = world;
    this.#options = options;
    this.#hellos = hellos;
    this.machine = new SchedulerMachine(options.config, this.#port());
  }

  get steps(): number {
    return this.#cause;
  }

  step(event: Bare<SchedulerEvent>): void {
    const stamped = { ...event, at: this.#world.now as Micros, cause: ++this.#cause as Cause } as SchedulerEvent;
    this.recording.push(stamped);
    this.machine.step(stamped);
    this.machine.checkInvariants(this.#cause % 256 === 0 ? "all" : "touched");
  }

  hello(link: ModelLink): { id: number; resumed: boolean } {
    const isClient = link.kind === "client";
    const known = (isClient ? this.#clients : this.#workers).get(link.id);
    if (link.id !== 0 && known !== undefined) {
      known.up = true;
      known.open = isClient;
      if (isClient) this.step({ e: "clientResumed", session: link.id as SessionId });
      else this.step({ e: "workerResumed", worker: link.id as WorkerId });
      return { id: link.id, resumed: true };
    }
    const id = ++this.#lastId;
    this.#ids.set(link, id);
    const party: Party = { link, assigned: new Set(), up: true, open: isClient, leaving: false, cuts: 0 };
    (isClient ? this.#clients : this.#workers).set(id, party);
    if (isClient) this.step({ e: "clientJoined", session: id as SessionId, name: link.peer.name });
    else this.step({ e: "workerJoined", worker: id as WorkerId, hello: this.#hellos(link), relayKey: `key${id}` });
    return { id, resumed: false };
  }

  cut(link: ModelLink): void {
    const found = this.#find(link);
    if (found === null) return;
    const { id, party } = found;
    party.up = false;
    party.open = false;
    const cuts = ++party.cuts;
    if (link.kind === "client") this.step({ e: "clientCut", session: id as SessionId });
    else this.step({ e: "workerCut", worker: id as WorkerId });
    const { clientPatienceUs, workerPatienceUs } = this.#options;
    this.#world.after(link.kind === "client" ? clientPatienceUs : workerPatienceUs, () => {
      if (party.up || party.cuts !== cuts) return;
      if (link.kind === "client") this.#dropClient(id);
      else this.#loseWorker(id, "its link was lost", party.leaving);
    });
  }

  closed(link: ModelLink): void {
    const found = this.#find(link);
    if (found === null) return;
    if (link.kind === "client") this.#dropClient(found.id);
    else this.#loseWorker(found.id, "it left", found.party.leaving);
  }

  /** What a nanny says. */
  exited(link: ModelLink, how: string): void {
    const found = this.#find(link);
    if (found !== null) this.#loseWorker(found.id, how, found.party.leaving);
  }

  receive(link: ModelLink, packed: readonly Packed[]): void {
    const found = this.#find(link);
    if (found === null) return;
    const messages = packed.filter((p) => !this.#swallows(p.message)).map((p) => unpack(p, this.payloads));
    if (link.kind === "client") {
      const session = found.id as SessionId;
      this.step({ e: "clientMessages", session, messages: messages as ClientToScheduler[] });
    } else {
      if (messages.some((m) => m.t === "snapshot")) found.party.open = true;
      this.step({ e: "workerMessages", worker: found.id as WorkerId, messages: messages as WorkerToScheduler[] });
    }
  }

  /** What the scheduler tells of a client's task, for the report of a failing run. */
  storyOf(link: ModelLink, n: TaskNumber): readonly StoryLine[] {
    const found = this.#find(link);
    if (found === null) return [];
    this.#lastAnswer = null;
    const messages = [{ t: "ask", id: 0, question: { q: "story", n } }] as const;
    this.step({ e: "clientMessages", session: found.id as SessionId, messages });
    return (this.#lastAnswer ?? []) as readonly StoryLine[];
  }

  /** The client stops reading, or reads again. */
  setReading(link: ModelLink, reads: boolean): void {
    const found = this.#find(link);
    if (found === null || !found.party.up || found.party.open === reads) return;
    found.party.open = reads;
    this.step({ e: reads ? "clientReady" : "clientBlocked", session: found.id as SessionId });
  }

  /** Who it is now: a first welcome that was lost left another behind, which runs into its deadline. */
  #find(link: ModelLink): { id: number; party: Party } | null {
    const id = this.#ids.get(link);
    const party = id === undefined ? undefined : (link.kind === "client" ? this.#clients : this.#workers).get(id);
    return id === undefined || party === undefined ? null : { id, party };
  }

  #dropClient(id: number): void {
    if (!this.#clients.delete(id)) return;
    this.step({ e: "clientGone", session: id as SessionId });
  }

  #loseWorker(id: number, how: string, planned: boolean): void {
    const party = this.#workers.get(id);
    if (party === undefined) return;
    this.#workers.delete(id);
    if (this.#ids.get(party.link) === id) party.link.refuse();
    this.#options.onWorkerLost(id as WorkerId, party.assigned);
    this.step({ e: "workerLost", worker: id as WorkerId, how, planned });
  }

  #port(): SchedulerPort {
    return {
      toWorker: (worker, message) => {
        const party = this.#workers.get(worker);
        if (party?.open !== true) throw new Error(`"${message.t}" to worker ${worker}, which is not to be spoken to`);
        if (message.t === "leave") party.leaving = true;
        this.#send(party, message);
      },
      toClient: (session, message) => {
        const party = this.#clients.get(session);
        if (party?.open !== true) throw new Error(`"${message.t}" to session ${session}, which is not to be spoken to`);
        this.#send(party, message);
      },
      wakeAt: (at) => this.#wakeAt(at),
      free: (payload: PayloadRef) => this.payloads.free(payload),
      closeWorker: (worker) => {
        const party = this.#workers.get(worker);
        if (party !== undefined) this.#loseWorker(worker, "it was closed", true);
      },
    };
  }

  #send(party: Party, message: SchedulerToWorker | SchedulerToClient): void {
    if (message.t === "answer") this.#lastAnswer = message.value;
    const packed = pack(message, this.payloads);
    if (message.t === "assign") {
      const args = this.payloads.get(message.args);
      if (args.is === "arguments") party.assigned.add(args.spec);
    }
    if (!this.#swallows(message)) party.link.sendDown(packed);
  }

  /** Everything that is said passes here: it is counted, and swallowed where a test wants that. */
  #swallows(message: AnyMessage): boolean {
    const kind = message.t === "missing" || message.t === "unavailable" ? `${message.t}, ${message.why}` : message.t;
    this.said.set(kind, (this.said.get(kind) ?? 0) + 1);
    return this.#options.tamper?.(message) === true;
  }

  #wakeAt(at: Micros | null): void {
    const alarm = ++this.#alarm;
    if (at === null) return;
    this.#world.after(at - this.#world.now, () => {
      if (alarm === this.#alarm) this.step({ e: "woken" });
    });
  }
}

type Budgets = Pick<SchedulerConfig, "inlineBudgetBytes" | "admissionBytes">;

export function schedulerConfig({ inlineBudgetBytes, admissionBytes }: Budgets): SchedulerConfig {
  // Times and transfers of the model's size.
  const scale = { stragglerUs: 1_000, surplusUs: 20_000, bandwidthBytesPerUs: 25 };
  return { ...defaultSchedulerConfig, ...scale, inlineBudgetBytes, admissionBytes, storyLines: 50_000 };
}
