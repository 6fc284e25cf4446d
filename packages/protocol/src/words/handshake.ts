// The handshake: a frame of its own, first on a connection.

import type { Micros } from "./ids.ts";
import type { Role } from "./roles.ts";

/** Raised with every incompatible change; both ends must say the same. */
export const PROTOCOL_VERSION = 6;

/** Workers and nannies present their incarnation: a random id of the process, made at its start. */
export type Hello =
  | {
      readonly t: "hello";
      readonly role: "client";
      readonly protocol: number;
      readonly token: string;
      readonly name: string;
      /** It only asks: it does not count among the sessions, and whatever else it says ends its link. A resumed session stays what it was. */
      readonly observer: boolean;
      readonly resume: Resume | null;
    }
  | {
      readonly t: "hello";
      readonly role: "worker";
      readonly protocol: number;
      readonly token: string;
      readonly worker: WorkerHello;
      readonly resume: Resume | null;
    }
  | {
      readonly t: "hello";
      readonly role: "nanny";
      readonly protocol: number;
      readonly token: string;
      readonly name: string;
    }
  /** A peer or client that wants data from a worker's peer port (bulk.ts). */
  | {
      readonly t: "hello";
      readonly role: "peer";
      readonly protocol: number;
      readonly token: string;
      readonly name: string;
    }
  /** One end of a relay at the scheduler (relay-stream.ts): who reads gives the worker's key, the worker the relay's. */
  | {
      readonly t: "hello";
      readonly role: "relay";
      readonly protocol: number;
      readonly token: string;
      readonly side: "reader" | "holder";
      readonly key: string;
    };

/** Asks to go on with a session (client) or a worker (by id); `secret` is what the first welcome gave. */
export interface Resume {
  readonly id: number;
  readonly secret: string;
}

export interface WorkerHello {
  readonly name: string;
  readonly incarnation: string;
  /** It has a nanny, which starts it again. */
  readonly nanny: boolean;
  readonly pid: number;
  readonly slots: number;
  /** In 1/10,000. */
  readonly resources: Readonly<Record<string, number>>;
  readonly memoryLimitBytes: number;
  /** host:port where peers and clients fetch its results; empty: nobody reaches it, and all that it sends and gets is relayed. */
  readonly peerAddress: string;
}

export interface Welcome {
  readonly t: "welcome";
  readonly protocol: number;
  /** Random, one per scheduler process. */
  readonly scheduler: string;
  /** SessionId for a client, WorkerId for a worker, 0 otherwise. */
  readonly id: number;
  /** The name in use: a worker's name is made unique. */
  readonly name: string;
  readonly secret: string;
  /** For whom the token stands: "" for the cluster's own. */
  readonly user: string;
  readonly role: Role;
  /** Opens the workers' peer ports, and relays; random, one per scheduler process. Empty for who may not fetch data. */
  readonly peerKey: string;
  /** Peer ports speak TLS, with this key as the shared one. */
  readonly peersUseTls: boolean;
  readonly resumed: boolean;
  /** Number of the last upstream frame that was processed; later ones are to be sent again. */
  readonly received: number;
  /** Largest frame this end accepts. */
  readonly maxFrameBytes: number;
  /** Upstream bytes that may be sent and not yet acknowledged. */
  readonly creditBytes: number;
  /** What the client's unfinished tasks may cost the scheduler (`submitCost`); above it the client keeps further ones to itself. */
  readonly admissionBytes: number;
  /** Results up to this size travel with their completion. */
  readonly inlineLimitBytes: number;
  /** The scheduler's monotonic clock, for the offset. */
  readonly now: Micros;
}

export interface Refused {
  readonly t: "refused";
  readonly code: string;
  readonly message: string;
}
