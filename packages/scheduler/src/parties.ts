// Who is connected, or was a moment ago: sessions and workers with their links, secrets and deadlines.

import { randomBytes, timingSafeEqual } from "node:crypto";
import {
  afterReading,
  type DownDirection,
  type Identity,
  type Resume,
  type ServerLink,
  type UpDirection,
  type WorkerHello,
  type WorkerId,
} from "@taskflock/protocol/links";
import type { SessionAudit } from "./admission/session-audit.ts";

/** A session or a worker, across its connections. */
export class Party<U extends UpDirection, D extends DownDirection> {
  readonly id: number;
  readonly name: string;
  readonly who: Identity;
  readonly secret: string = randomBytes(16).toString("base64url");
  link: ServerLink<U, D> | null = null;
  /** The address of its last connection. */
  peer = "";
  /** The last frame that was processed before the link was cut. */
  #received = 0;
  #takeBack: (() => void) | null = null;

  constructor(id: number, name: string, who: Identity) {
    this.id = id;
    this.name = name;
    this.who = who;
  }

  get received(): number {
    return this.link?.received ?? this.#received;
  }

  /** Takes a new connection; an older one is over. */
  connect(link: ServerLink<U, D>): void {
    this.#clear();
    const older = this.link;
    this.link = link;
    this.peer = link.peer;
    older?.cut();
  }

  /** The link is cut: `lost` is called unless it comes back within `graceMs`, counted while this process reads. */
  disconnect(graceMs: number, lost: () => void): void {
    this.#received = this.received;
    this.link = null;
    this.#clear();
    this.#takeBack = afterReading(graceMs, lost);
  }

  /** Nothing is waited for any more. */
  forget(): void {
    this.#received = this.received;
    this.#clear();
  }

  /** Only its own user, and with its secret. */
  mayResume(resume: Resume, { user }: Identity): boolean {
    const mine = Buffer.from(this.secret);
    const shown = Buffer.from(resume.secret);
    return user === this.who.user && mine.length === shown.length && timingSafeEqual(mine, shown);
  }

  #clear(): void {
    this.#takeBack?.();
    this.#takeBack = null;
  }
}

export class ClientParty extends Party<"client", "toClient"> {
  /** It only asks. */
  readonly isObserver: boolean;
  /** Where a book is kept of what it does. */
  audit: SessionAudit | null = null;

  constructor(id: number, name: string, who: Identity, isObserver: boolean) {
    super(id, name, who);
    this.isObserver = isObserver;
  }
}

export class WorkerParty extends Party<"worker", "toWorker"> {
  readonly incarnation: string;
  /** Where it says that its data is fetched. */
  readonly peerAddress: string;
  readonly slots: number;
  /** `leave` was sent: its end is planned. */
  leaving = false;

  constructor(id: WorkerId, name: string, who: Identity, { incarnation, peerAddress, slots }: WorkerHello) {
    super(id, name, who);
    this.incarnation = incarnation;
    this.peerAddress = peerAddress;
    this.slots = slots;
  }
}

/** `name`, or `name-2`, `name-3` … when it is taken. */
export function uniqueName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  let number = 2;
  while (taken.has(`${name}-${number}`)) number++;
  return `${name}-${number}`;
}
