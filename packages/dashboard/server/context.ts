// What the routes stand on.

import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Trust } from "@taskflock/protocol/links";
import type { FeedPoint } from "@taskflock/protocol/words";
import type { FastifyRequest } from "fastify";
import type { Codes } from "./auth/codes.ts";
import type { Guard, Identity } from "./auth/guard.ts";
import type { PageAudit } from "./auth/page-audit.ts";
import type { Observer } from "./observer.ts";
import type { WebFiles } from "./web-files.ts";

/** Prometheus text. */
export interface MetricsText {
  readonly contentType: string;
  readonly body: string;
}

export interface SchedulerHere {
  readonly id: string;
  /** As Prometheus reads them. */
  metrics(): Promise<MetricsText>;
}

/** The scheduler that people look at. */
export interface Scheduler {
  readonly address: string;
  readonly trust?: Trust;
  /** Where it is in this process. */
  readonly here: SchedulerHere | null;
}

/** Who has a connection that stays open. */
export interface StreamClient {
  readonly role: Identity["role"];
  /** False once its session is over: then the connection should be, too. */
  isSignedIn(): boolean;
}

/** Takes over the connection of an upgrade request. Who asks was let in. */
export type Stream = (request: IncomingMessage, socket: Duplex, head: Buffer, client: StreamClient) => void;

export interface Context {
  readonly observer: Observer;
  readonly guard: Guard;
  readonly codes: Codes;
  readonly audit: PageAudit;
  /** The page's build. */
  readonly page: WebFiles;
  /** Null where the scheduler is another process. */
  readonly here: SchedulerHere | null;
  /** The charts' last minutes, as far as somebody looked; set by the feed. */
  points: () => readonly FeedPoint[];
  /** By path: what answers upgrade requests. */
  readonly streams: Map<string, Stream>;
  /** Called as the dashboard ends. */
  readonly closers: Set<() => void | Promise<void>>;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** Answered without sign-in. */
    readonly isFree?: boolean;
    /** For admins only. */
    readonly isAction?: boolean;
    /** One of the page's own addresses: who is not signed in is led to the form. */
    readonly isPage?: boolean;
  }
  interface FastifyRequest {
    identity: Identity | null;
  }
}

export function identityOf(request: FastifyRequest): Identity | null {
  return request.identity;
}
