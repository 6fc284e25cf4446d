// What all admissions stand on.

import type { Admission, Identity } from "@taskflock/protocol/links";
import type { AuditLog } from "../audit-log.ts";
import { type Driver, now } from "../driver.ts";
import type { SchedulerConfig } from "../machine/index.ts";
import type { CompleteSchedulerOptions } from "../options.ts";

export interface Ground {
  /** Random, one per scheduler process. */
  readonly id: string;
  readonly options: CompleteSchedulerOptions;
  readonly config: SchedulerConfig;
  readonly driver: Driver;
  /** Null: none is kept. */
  readonly audit: AuditLog | null;
}

/** Whom the welcome is for. */
export interface Welcomed {
  readonly id: number;
  readonly name: string;
  readonly secret: string;
  readonly received: number;
}

export function welcomeFor({ id, options, config }: Ground, party: Welcomed, resumed: boolean): Admission["welcome"] {
  return {
    scheduler: id,
    id: party.id,
    name: party.name,
    secret: party.secret,
    resumed,
    received: party.received,
    creditBytes: options.creditBytes,
    admissionBytes: config.admissionBytes,
    inlineLimitBytes: config.inlineLimitBytes,
    now: now(),
  };
}

/** How somebody's end is told who was let in as a user who is so no more. */
export function revocation({ user }: Identity): string {
  return `User ${user} was removed, or has another role or password now.`;
}
