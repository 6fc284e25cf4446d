// Who is connected, or was a moment ago: sessions and workers with their links, secrets and deadlines.

import { randomBytes, timingSafeEqual } from "node:crypto";
import {
  afterReading,
  type DownDirection,
  type Resume,
  type ServerLink,
  type UpDirection,
  type WorkerId,
} from "@taskflock/protocol/links";

/** A session or a worker, across its connections. */
export class Party<U extends UpDirection, D extends DownDirection> {
  readonly id: number;
  readonly name: string;
  readonly secret: string = randomBytes(16).toString("base64url");
  link: ServerLink<U, D> | null = null;
  /** The last frame that was processed before the link was cut. */
  #received = 0;
  #takeBack: (() => void) | null = null;

  constructor(id: number, name: string) {
    this.id = id;
    this.name = name;
  }

  get received(): number {
    return this.link?.received ?? this.#received;
  }

  /** Takes a new connection; an older one is over. */
  connect(link: ServerLink<U, D>): void {
    this.#clear();
    const older = this.link;
    this.link = link;
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

  mayResume(resume: Resume): boolean {
    const mine = Buffer.from(this.secret);
    const shown = Buffer.from(resume.secret);
    return mine.length === shown.length && timingSafeEqual(mine, shown);
  }

  #clear(): void {
    this.#takeBack?.();
    this.#takeBack = null;
  }
}

export class ClientParty extends Party<"client", "toClient"> {
  /** It only asks. */
  readonly isObserver: boolean;

  constructor(id: number, name: string, isObserver: boolean) {
    super(id, name);
    this.isObserver = isObserver;
  }
}

export class WorkerParty extends Party<"worker", "toWorker"> {
  readonly incarnation: string;
  /** `leave` was sent: its end is planned. */
  leaving = false;

  constructor(id: WorkerId, name: string, incarnation: string) {
    super(id, name);
    this.incarnation = incarnation;
  }
}

/** `name`, or `name-2`, `name-3` … when it is taken. */
export function uniqueName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  let number = 2;
  while (taken.has(`${name}-${number}`)) number++;
  return `${name}-${number}`;
}
