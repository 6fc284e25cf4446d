// A real scheduler, a dashboard for it, a page's files, and requests as browsers, scripts and attackers send them.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type IncomingHttpHeaders, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Role } from "@taskflock/protocol";
import type { ServerCertificate } from "@taskflock/protocol/links";
import {
  keepPassword,
  type RunningScheduler,
  readUsers,
  startScheduler,
  type User,
  writeUsers,
} from "@taskflock/scheduler";
import { pino } from "pino";
import type { PageAuditEntry } from "../server/auth/page-audit.ts";
import type { ServeOptions } from "../server/server.ts";
import { type Dashboard, startDashboard } from "../server/server.ts";

export const TOKEN = "the-admin-token";
export const VIEWER_TOKEN = "vic:the-viewer's-password";
export const SUBMITTER_TOKEN = "ann:the-submitter's-password";
export const WORKER_TOKEN = "crew:the-worker's-password";
export const ADMIN_TOKEN = "root:the-admin's-password";

const people: readonly (readonly [token: string, role: Role])[] = [
  [VIEWER_TOKEN, "viewer"],
  [SUBMITTER_TOKEN, "submitter"],
  [WORKER_TOKEN, "worker"],
  [ADMIN_TOKEN, "admin"],
];

/** Passwords that cost little. */
async function usersOf(): Promise<User[]> {
  const cost = { N: 1024, r: 1, p: 1 };
  return Promise.all(
    people.map(async ([token, role]) => {
      const [name = "", password = ""] = token.split(":");
      return { name, role, created: "2026-11-22T00:00:00.000Z", scrypt: await keepPassword(password, cost) };
    }),
  );
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export class Stage {
  readonly scheduler: RunningScheduler;
  readonly dashboard: Dashboard;
  /** The clock of sessions, codes and wrong attempts, milliseconds. */
  now = 1_000_000;
  readonly errors: unknown[] = [];
  readonly audited: PageAuditEntry[] = [];
  readonly usersFile: string;
  readonly #folder: string;

  /** `isAlone`: as in a process of its own, which asks the scheduler who is who. */
  static async start(
    options: Partial<ServeOptions> = {},
    host = "127.0.0.1",
    isAlone = false,
    certificate: ServerCertificate | null = null,
  ): Promise<Stage> {
    const logger = pino({ level: "silent" });
    const folder = mkdtempSync(join(tmpdir(), "taskflock-page-"));
    const usersFile = join(folder, "users");
    writeUsers(usersFile, await usersOf());
    const scheduler = await startScheduler({ port: 0, token: TOKEN, logger, usersFile });
    const who = isAlone ? {} : { authenticator: scheduler.authenticator };
    return new Stage(folder, scheduler, await startDashboard({ host, port: 0, certificate }), { ...who, ...options });
  }

  private constructor(
    folder: string,
    scheduler: RunningScheduler,
    dashboard: Dashboard,
    options: Partial<ServeOptions>,
  ) {
    this.#folder = folder;
    this.usersFile = join(folder, "users");
    this.scheduler = scheduler;
    this.dashboard = dashboard;
    this.#writePage();
    dashboard.serve({
      scheduler: { address: scheduler.address, here: scheduler },
      token: TOKEN,
      audit: (entry) => this.audited.push(entry),
      now: () => this.now,
      onError: (error) => this.errors.push(error),
      pageFolder: this.#folder,
      ...options,
    });
  }

  #writePage(): void {
    mkdirSync(join(this.#folder, "assets"));
    writeFileSync(join(this.#folder, "index.html"), `<!doctype html><title>page</title>${"<!-- -->".repeat(100)}`);
    writeFileSync(join(this.#folder, "sign-in.html"), "<!doctype html><title>sign in</title>");
    writeFileSync(join(this.#folder, "assets", "app-1234.js"), `"use strict";\n${"// page\n".repeat(100)}`);
  }

  /** As curl does: the token, if there is one, and no more. */
  get(path: string, token: string | null = TOKEN, headers: Readonly<Record<string, string>> = {}): Promise<Answered> {
    return this.send(path, {
      headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...headers },
    });
  }

  post(
    path: string,
    body: unknown,
    token: string | null = TOKEN,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answered> {
    const shown = token === null ? {} : { authorization: `Bearer ${token}` };
    return this.send(path, {
      method: "POST",
      headers: { "content-type": "application/json", ...shown, ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  }

  /** What a page of ours sends with its requests. */
  get origin(): string {
    return `http://127.0.0.1:${this.dashboard.port}`;
  }

  /** The form. */
  form(
    path: string,
    fields: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answered> {
    return this.send(path, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded", origin: this.origin, ...headers },
      body: new URLSearchParams(fields).toString(),
    });
  }

  /** The cookie of somebody who signed in, as browsers send it. */
  async signIn(token: string = TOKEN): Promise<string> {
    return cookieIn(await this.form("/sign-in", { token }));
  }

  /** fetch() cannot set Host or Origin. */
  send(path: string, { method = "GET", headers = {}, body }: Asking): Promise<Answered> {
    return new Promise((resolve, reject) => {
      const { port } = this.dashboard;
      const asked = request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (answer) => {
        const parts: Buffer[] = [];
        answer.on("data", (part) => parts.push(part));
        answer.on("end", () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts).toString() }),
        );
      });
      asked.on("error", reject).end(body);
    });
  }

  /** Users whose names are left out are there no more. */
  keepUsers(...names: readonly string[]): void {
    writeUsers(
      this.usersFile,
      readUsers(this.usersFile).filter(({ name }) => names.includes(name)),
    );
  }

  async close(): Promise<void> {
    await this.dashboard.close();
    await this.scheduler.close();
    rmSync(this.#folder, { recursive: true });
  }
}

export function cookieIn({ headers }: Answered): string {
  return (headers["set-cookie"]?.[0] ?? "").split(";")[0] ?? "";
}

export function errorIn({ body }: Answered): {
  readonly code: string;
  readonly message: string;
  readonly advice: string;
} {
  return JSON.parse(body);
}
