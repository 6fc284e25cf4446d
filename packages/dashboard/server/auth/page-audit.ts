// What the page writes into an audit log, where one is kept.

import type { IncomingMessage } from "node:http";
import type { Identity } from "@taskflock/protocol/words";
import type { FastifyRequest } from "fastify";
import { addressOf } from "./guard.ts";
import type { Refusal } from "./refusal.ts";

export interface PageAuditEntry {
  /** Null: nobody knows. */
  readonly who: Identity | null;
  readonly address: string;
  /** A page has sessions of its own, whose ids are secret. */
  readonly session: null;
  readonly action:
    | "signed in"
    | "signed out"
    | "refused"
    | "forbidden"
    | "made link"
    | "cancelled"
    | "retired"
    | "restarted";
  readonly what: Readonly<Record<string, unknown>>;
}

export type PageAudit = (entry: PageAuditEntry) => void;

export function pageEntry(
  request: FastifyRequest,
  { user, role }: Identity,
  action: PageAuditEntry["action"],
  what: PageAuditEntry["what"],
): PageAuditEntry {
  return { who: { user, role }, address: addressOf(request.raw), session: null, action, what: { page: true, ...what } };
}

/** Of whoever showed a token that is nobody's, or too many of them. */
export function refusedEntry(request: IncomingMessage, { code }: Refusal): PageAuditEntry {
  return { who: null, address: addressOf(request), session: null, action: "refused", what: { page: true, code } };
}
