// The audit log: who came, was refused, submitted, and did what to whom. Lines of JSON, appended to a file that only its owner reads, or to
// the ordinary log.

import { createWriteStream, mkdirSync, openSync, type WriteStream } from "node:fs";
import { dirname } from "node:path";
import { type Authenticator, FlockError, type Identity, isFlockError } from "@taskflock/protocol/links";
import type { Logger } from "pino";

export type AuditAction =
  | "connected"
  | "refused"
  | "left"
  | "submitted"
  | "cancelled"
  | "forbidden"
  | "retired"
  | "restarted"
  | "scaled"
  | "published"
  | "unpublished"
  | "plugin"
  | "file"
  | "stopped run"
  | "signed in"
  | "signed out"
  | "made link";

export interface AuditEntry {
  /** Null: nobody knows. */
  readonly who: Identity | null;
  /** From where. */
  readonly address: string;
  /** A client's session, a worker's number; null where there is none. */
  readonly session: number | null;
  readonly action: AuditAction;
  readonly what: Readonly<Record<string, unknown>>;
}

/** Refusals that are written each second: nobody fills the disk with what they may not do. */
const REFUSALS_PER_SECOND = 20;

export class AuditLog {
  readonly #logger: Logger;
  readonly #stream: WriteStream | null;
  readonly #everySecond: Set<() => void> = new Set();
  readonly #timer: NodeJS.Timeout;
  #refusals = 0;

  /** `file` "-": the log. Throws FLOCK_OPTION_INVALID when the file cannot be opened. */
  constructor(file: string, logger: Logger) {
    this.#logger = logger;
    this.#stream = file === "-" ? null : openForAppending(file, logger);
    this.#timer = setInterval(() => this.#second(), 1_000);
    this.#timer.unref();
  }

  write({ who, address, session, action, what }: AuditEntry): void {
    const isRefusal = action === "refused" || action === "forbidden";
    if (isRefusal && ++this.#refusals > REFUSALS_PER_SECOND) return;
    const { user, role } = who ?? { user: null, role: null };
    this.#line({ time: new Date().toISOString(), user, role, address, session, action, what });
  }

  /** `tell` is called each second, and at the end, until what is returned is called. */
  onSecond(tell: () => void): () => void {
    this.#everySecond.add(tell);
    return () => this.#everySecond.delete(tell);
  }

  /** Resolves when all lines are written. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#second();
    const stream = this.#stream;
    if (stream === null || stream.destroyed) return;
    await new Promise<void>((resolve) => {
      stream.once("close", resolve);
      stream.end();
    });
  }

  #second(): void {
    for (const tell of this.#everySecond) tell();
    const more = this.#refusals - REFUSALS_PER_SECOND;
    this.#refusals = 0;
    if (more <= 0) return;
    const facts = { user: null, role: null, address: "", session: null, action: "refused", what: { more } };
    this.#line({ time: new Date().toISOString(), ...facts });
  }

  #line(entry: object): void {
    if (this.#stream === null) this.#logger.info({ audit: entry }, "audit");
    else if (!this.#stream.destroyed) this.#stream.write(`${JSON.stringify(entry)}\n`);
  }
}

function openForAppending(file: string, logger: Logger): WriteStream {
  let fd: number;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    fd = openSync(file, "a", 0o600);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FlockError("FLOCK_OPTION_INVALID", `The audit log ${file} cannot be opened: ${why}.`, { cause });
  }
  const stream = createWriteStream(file, { fd });
  stream.on("error", (err) => logger.error({ err, file }, "the audit log cannot be written; it ends"));
  return stream;
}

/** Whom nobody lets in is written down, too; with the name that was said, if somebody has it. */
export function audited(
  inner: Authenticator,
  audit: AuditLog | null,
  isUser: (name: string) => boolean,
): Authenticator {
  if (audit === null) return inner;
  const refused = (error: unknown, token: string, address: string): never => {
    const said = token.slice(0, Math.max(0, token.indexOf(":")));
    const code = isFlockError(error) ? error.code : "FLOCK_INTERNAL";
    const what = isUser(said) ? { code, name: said } : { code };
    audit.write({ who: null, address, session: null, action: "refused", what });
    throw error;
  };
  return {
    identify: (token, from) => {
      try {
        const who = inner.identify(token, from);
        return who instanceof Promise ? who.catch((error: unknown) => refused(error, token, from)) : who;
      } catch (error) {
        return refused(error, token, from);
      }
    },
    onRevoked: (listener) => inner.onRevoked(listener),
  };
}
