// The book that is kept of one session. Submissions are counted by run and function and written once a second; what is seldom, at once.

import type { Ask, ClientToScheduler, Identity, Question } from "@taskflock/protocol/links";
import type { AuditAction, AuditLog } from "../audit-log.ts";

interface Audited {
  readonly id: number;
  readonly name: string;
  readonly who: Identity;
  readonly isObserver: boolean;
}

interface Note {
  readonly action: AuditAction;
  readonly what: Readonly<Record<string, unknown>>;
}

const notes: { readonly [Q in Question["q"]]?: (question: Extract<Question, { readonly q: Q }>) => Note } = {
  retire: ({ workers }) => ({ action: "retired", what: { workers } }),
  retireIdle: ({ workers, reason }) => ({ action: "scaled", what: { down: workers, reason } }),
  scaledUp: ({ count, reason }) => ({ action: "scaled", what: { up: count, reason } }),
  restart: () => ({ action: "restarted", what: { cluster: true } }),
  restartWorkers: ({ workers }) => ({ action: "restarted", what: { workers } }),
  pageCancel: ({ tasks, run, who }) => ({ action: "cancelled", what: { tasks, run, by: who } }),
  publish: ({ name, ns, override }) => ({ action: "published", what: { name, results: ns.length, override } }),
  unpublish: ({ name }) => ({ action: "unpublished", what: { name } }),
  equip: ({ kind, name, override }) => ({ action: kind, what: { name, override } }),
  unequip: ({ kind, name }) => ({ action: kind, what: { name, removed: true } }),
  forgetRun: ({ run }) => ({ action: "stopped run", what: { run } }),
};

/** Names that one second of a session may fill; what is beyond is counted under "". */
const MAX_GROUPS = 1_000;

export class SessionAudit {
  readonly #log: AuditLog;
  readonly #of: Audited;
  readonly #functions: Map<number, string> = new Map();
  readonly #runs: Map<number, string> = new Map();
  /** By run, then by function. */
  #submitted: Map<string, Map<string, number>> = new Map();
  #groups = 0;
  #scattered = 0;
  #cancelled = 0;
  #address = "";
  readonly #stop: () => void;

  constructor(log: AuditLog, of: Audited) {
    this.#log = log;
    this.#of = of;
    this.#stop = log.onSecond(() => this.#tell());
  }

  connected(address: string, resumed: boolean): void {
    this.#address = address;
    const { name, isObserver } = this.#of;
    this.say("connected", { client: name, ...(isObserver ? { observer: true } : {}), ...(resumed ? { resumed } : {}) });
  }

  heard(messages: readonly ClientToScheduler[]): void {
    for (const message of messages) this.#hear(message);
  }

  say(action: AuditAction, what: Readonly<Record<string, unknown>>): void {
    const { who, id: session } = this.#of;
    this.#log.write({ who, address: this.#address, session, action, what });
  }

  end(how: string): void {
    this.#stop();
    this.#tell();
    this.say("left", { client: this.#of.name, how });
  }

  #hear(message: ClientToScheduler): void {
    switch (message.t) {
      case "submit":
        this.#count(this.#runs.get(message.run) ?? "", this.#functions.get(message.fn) ?? "");
        return;
      case "function":
        this.#functions.set(message.fn, message.name);
        return;
      case "openRun":
        this.#runs.set(message.run, message.name);
        return;
      case "closeRun": // nothing is submitted to it any more
        this.#runs.delete(message.run);
        return;
      case "scatter":
        this.#scattered++;
        return;
      case "cancel":
        this.#cancelled++;
        return;
      case "ask":
        this.#asked(message);
        return;
    }
  }

  #count(run: string, name: string): void {
    const counts = this.#submitted.get(run) ?? new Map<string, number>();
    this.#submitted.set(run, counts);
    if (!counts.has(name) && ++this.#groups > MAX_GROUPS) name = "";
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }

  #asked({ question }: Ask): void {
    const note = notes[question.q] as ((question: Question) => Note) | undefined;
    if (note === undefined) return;
    const { action, what } = note(question);
    this.say(action, what);
  }

  #tell(): void {
    const submitted = this.#submitted;
    if (submitted.size > 0) {
      this.#submitted = new Map();
      this.#groups = 0;
      for (const [run, counts] of submitted) this.say("submitted", { run, functions: Object.fromEntries(counts) });
    }
    if (this.#scattered > 0) this.say("submitted", { data: this.#scattered });
    if (this.#cancelled > 0) this.say("cancelled", { tasks: this.#cancelled });
    this.#scattered = 0;
    this.#cancelled = 0;
  }
}
