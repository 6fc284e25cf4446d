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
import type { Connection, ModelLink, SchedulerEnd, Welcome } from "./link.ts";
import type { AnyMessage, Packed } from "./payloads.ts";
import { PayloadTable, pack, unpack } from "./payloads.ts";
import type { World } from "./world.ts";

type Bare<E> = E extends SchedulerEvent ? Omit<E, "at" | "cause"> : never;

interface Party {
  readonly id: number;
  readonly link: ModelLink;
  /** The name by which others know it: two workers never have the same. */
  readonly name: string;
  /** Specs of the tasks that were ever assigned to it. */
  readonly assigned: Set<number>;
  /** On which it is spoken to. */
  connection: Connection | null;
  received: number;
  /** A worker's snapshot of this connection has arrived; a client reads. */
  open: boolean;
  leaving: boolean;
  /** Counts connections, so that an old deadline changes nothing. */
  connections: number;
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
  readonly #served = new Map<Connection, Party>();
  readonly #hellos: (link: ModelLink) => WorkerHello;
  /** How often a connection came while another of the same party was up, and how often a worker came that was given up before. */
  readonly seen = { doubleConnections: 0, returnedWorkers: 0 };
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

  /** As `parties.ts` has it: a connection that resumes takes the place of one that may still be counted as up. */
  hello(connection: Connection, resume: number): Welcome {
    const { link } = connection;
    const known = this.#parties(link).get(resume);
    const resumed = resume !== 0 && known !== undefined;
    if (resume !== 0 && !resumed && link.kind === "worker") this.seen.returnedWorkers++;
    const party = resumed ? known : this.#newParty(link);
    const { id, received } = party;
    this.#serve(party, connection);
    const [session, worker] = [id as SessionId, id as WorkerId];
    if (link.kind === "client")
      this.step(resumed ? { e: "clientResumed", session } : { e: "clientJoined", session, name: party.name });
    else if (resumed) this.step({ e: "workerResumed", worker });
    else {
      const hello = { ...this.#hellos(link), name: party.name };
      this.step({ e: "workerJoined", worker, hello, relayKey: `key${id}` });
    }
    return { id, resumed, received };
  }

  #newParty(link: ModelLink): Party {
    const taken = link.kind === "worker" ? new Set([...this.#workers.values()].map(({ name }) => name)) : new Set();
    let name = link.peer.name;
    for (let i = 2; taken.has(name); i++) name = `${link.peer.name}-${i}`;
    const id = ++this.#lastId;
    const rest = { connection: null, received: 0, open: false, leaving: false, connections: 0 };
    const party: Party = { id, link, name, assigned: new Set(), ...rest };
    this.#parties(link).set(id, party);
    return party;
  }

  #serve(party: Party, connection: Connection): void {
    const older = party.connection;
    party.connection = connection;
    party.connections++;
    party.open = connection.link.kind === "client";
    this.#served.set(connection, party);
    if (older === null) return;
    this.seen.doubleConnections++;
    this.#served.delete(older);
    older.link.drop(older);
  }

  #parties(link: ModelLink): Map<number, Party> {
    return link.kind === "client" ? this.#clients : this.#workers;
  }

  /** A connection that was replaced is not counted any more. */
  ended(connection: Connection): void {
    const party = this.#served.get(connection);
    if (party === undefined) return;
    this.#served.delete(connection);
    party.connection = null;
    party.received = connection.received;
    party.open = false;
    const { id, link } = party;
    if (this.#parties(link).get(id) !== party) return;
    if (link.kind === "worker" && party.leaving) {
      this.#loseWorker(id, "it left", true);
      return;
    }
    const { connections } = party;
    if (link.kind === "client") this.step({ e: "clientCut", session: id as SessionId });
    else this.step({ e: "workerCut", worker: id as WorkerId });
    const { clientPatienceUs, workerPatienceUs } = this.#options;
    this.#world.after(link.kind === "client" ? clientPatienceUs : workerPatienceUs, () => {
      if (party.connection !== null || party.connections !== connections) return;
      if (link.kind === "client") this.#dropClient(id);
      else this.#loseWorker(id, "its link was lost", party.leaving);
    });
  }

  /** What a nanny says. */
  exited(link: ModelLink, how: string): void {
    for (const party of [...this.#workers.values()])
      if (party.link === link) this.#loseWorker(party.id, how, party.leaving);
  }

  receive(connection: Connection, packed: readonly Packed[]): void {
    const party = this.#served.get(connection);
    if (party === undefined || this.#parties(party.link).get(party.id) !== party) return;
    party.received = connection.received;
    const messages = packed.filter((p) => !this.#swallows(p.message)).map((p) => unpack(p, this.payloads));
    if (party.link.kind === "client") {
      const session = party.id as SessionId;
      this.step({ e: "clientMessages", session, messages: messages as ClientToScheduler[] });
      if (messages.some(({ t }) => t === "goodbye")) this.#dropClient(party.id);
    } else {
      if (messages.some((m) => m.t === "snapshot")) party.open = true;
      this.step({ e: "workerMessages", worker: party.id as WorkerId, messages: messages as WorkerToScheduler[] });
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
    if (found === null || found.connection === null || found.open === reads) return;
    found.open = reads;
    this.step({ e: reads ? "clientReady" : "clientBlocked", session: found.id as SessionId });
  }

  /** Who it is now: a first welcome that was lost left another behind, which runs into its deadline. */
  #find(link: ModelLink): Party | null {
    return this.#parties(link).get(link.id) ?? null;
  }

  #dropClient(id: number): void {
    if (!this.#clients.delete(id)) return;
    this.step({ e: "clientGone", session: id as SessionId });
  }

  #loseWorker(id: number, how: string, planned: boolean): void {
    const party = this.#workers.get(id);
    if (party === undefined) return;
    this.#workers.delete(id);
    const { connection } = party;
    if (connection !== null) {
      this.#served.delete(connection);
      connection.link.drop(connection);
    }
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
        const connection = this.#workers.get(worker)?.connection ?? null;
        if (connection !== null) connection.link.drop(connection);
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
    const { connection } = party;
    if (connection !== null && !this.#swallows(message)) connection.link.sendDown(connection, packed);
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
  // So small that details are forgotten.
  const kept = { detailUnitsOfRun: 1_500, detailUnitsKept: 3_000 };
  return { ...defaultSchedulerConfig, ...scale, ...kept, inlineBudgetBytes, admissionBytes, storyLines: 20_000 };
}
