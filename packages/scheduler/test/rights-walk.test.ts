// Every hello, every message and every question that there is, as the validation tables list them, with no token, with wrong ones and with
// each role's: what becomes of it is what the table of rights says.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ClientToScheduler,
  type Field,
  type Fields,
  type FlockError,
  type Hello,
  handshakeFields,
  helloRights,
  may,
  messageFields,
  messageRights,
  openSocket,
  PayloadStore,
  PROTOCOL_VERSION,
  type Question,
  questionRights,
  type Role,
  rightToAsk,
  roles,
  SchedulerLink,
  type SchedulerToClient,
} from "@taskflock/protocol";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keepPassword, type RunningScheduler, startScheduler, writeUsers } from "../src/index.ts";

const TOKEN = "the-cluster-token";
const tokenOf = (role: Role): string => `a-${role}:the-password-of-${role}`;

let folder: string;
let scheduler: RunningScheduler;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "taskflock-walk-"));
  const usersFile = join(folder, "users");
  const cost = { N: 1024, r: 1, p: 1 };
  const users = roles.map(async (role) => ({
    name: `a-${role}`,
    role,
    created: "2026-11-22T00:00:00.000Z",
    scrypt: await keepPassword(`the-password-of-${role}`, cost),
  }));
  writeUsers(usersFile, await Promise.all(users));
  scheduler = await startScheduler({ port: 0, token: TOKEN, usersFile, logger: pino({ level: "silent" }) });
});
afterAll(async () => {
  await scheduler.close();
  rmSync(folder, { recursive: true });
});

/** Something small that the table takes; bytes are put into the store. */
function sampleOf(field: Field, payloads: PayloadStore): unknown {
  switch (field.kind) {
    case "int":
      return Math.max(field.min, Math.min(1, field.max));
    case "number":
      return 1;
    case "text":
      return "x";
    case "flag":
      return true;
    case "choice":
      return field.values[0];
    case "nullable":
    case "scalar":
    case "plain":
      return null;
    case "list":
      return [];
    case "amounts":
      return {};
    case "record":
      return rowOf(field.fields, payloads);
    case "bounded":
      return sampleOf(field.of, payloads);
    case "variants": {
      const [[tag, fields] = ["", {}]] = Object.entries(field.cases);
      return { [field.tag]: tag, ...rowOf(fields, payloads) };
    }
    case "payload":
      return payloads.put(new Uint8Array(3));
  }
}

function rowOf(fields: Fields, payloads: PayloadStore): Record<string, unknown> {
  const entries = Object.entries(fields).map(([name, field]) => [name, sampleOf(field, payloads)] as const);
  const sizes = Object.values(fields).map((field) => (field.kind === "payload" ? [field.size, 3] : null));
  return { ...Object.fromEntries(entries), ...Object.fromEntries(sizes.filter((size) => size !== null)) };
}

const clientFields = messageFields.client;
const questionFields = clientFields["ask"]?.["question"];
if (questionFields?.kind !== "variants" || handshakeFields.hello.kind !== "variants") throw new Error("no tables");
const { cases: questionCases } = questionFields;
const { cases: helloCases } = handshakeFields.hello;

/** Of both kinds of gear. */
function questionsNamed(q: string, payloads: PayloadStore): Question[] {
  const sample = { q, ...rowOf(questionCases[q] ?? {}, payloads) } as Question;
  return "kind" in sample && sample.kind === "plugin" ? [sample, { ...sample, kind: "file" } as Question] : [sample];
}

/** A client's link, and what becomes of it. */
class Talker {
  /** Of the link. */
  readonly payloads: PayloadStore;
  readonly answers: Map<number, string | null> = new Map();
  readonly ended: Promise<FlockError>;
  readonly link: SchedulerLink<"client", "toClient">;
  #last = 0;
  readonly #heard: Map<number, () => void> = new Map();

  static async connect(token: string): Promise<Talker> {
    const ends: { onGone: (error: FlockError) => void; talker: Talker | null } = { onGone: () => {}, talker: null };
    const ended = new Promise<FlockError>((resolve) => {
      ends.onGone = resolve;
    });
    const payloads = new PayloadStore();
    const link = await SchedulerLink.open<"client", "toClient">({
      ...{ address: scheduler.address, token, up: "client", down: "toClient", reconnectMs: 0 },
      hello: { role: "client", name: "walker" },
      payloads,
      onMessages: (messages) => ends.talker?.hear(messages),
      onUp: () => {},
      onDown: () => {},
      onGone: ends.onGone,
    });
    ends.talker = new Talker(link, payloads, ended);
    return ends.talker;
  }

  private constructor(link: SchedulerLink<"client", "toClient">, payloads: PayloadStore, ended: Promise<FlockError>) {
    this.link = link;
    this.payloads = payloads;
    this.ended = ended;
  }

  hear(messages: readonly SchedulerToClient[]): void {
    for (const message of messages) {
      if (message.t !== "answer") continue;
      this.answers.set(message.id, message.error?.code ?? null);
      this.#heard.get(message.id)?.();
    }
  }

  ask(question: Question): number {
    const id = ++this.#last;
    this.link.send({ t: "ask", id, question });
    return id;
  }

  /** Refusals are said in the order of the questions: once this is answered, all before it are. */
  async ping(): Promise<void> {
    const answered = new Promise<void>((resolve) => this.#heard.set(this.#last + 1, resolve));
    this.ask({ q: "ping" });
    await answered;
  }
}

async function hello(role: Hello["role"], token: string): Promise<string> {
  const row = rowOf(helloCases[role] ?? {}, new PayloadStore());
  const said = { ...row, role, t: "hello", protocol: PROTOCOL_VERSION, token } as unknown as Hello;
  const place = { address: scheduler.address, timeoutMs: 5_000, maxFrameBytes: 4_194_304 };
  return openSocket({ ...place, hello: said }).then(
    ({ socket }) => {
      socket.terminate();
      return "in";
    },
    (error: FlockError) => error.code,
  );
}

describe("every hello", () => {
  const all = Object.keys(helloCases) as Hello["role"][];

  test.each(all)("%s, without a token, with wrong ones, and with each role's", async (role) => {
    for (const wrong of [
      "",
      "wrong",
      `${TOKEN}x`,
      "a-viewer:wrong-password",
      "nobody:the-password-of-viewer",
      ":",
      "a-admin:",
    ]) {
      expect([wrong, await hello(role, wrong)]).toEqual([wrong, "FLOCK_UNAUTHORIZED"]);
    }
    const right = helloRights[role];
    for (const one of roles) {
      const expected = right !== null && may(one, right) ? "in" : "FLOCK_FORBIDDEN";
      expect([one, await hello(role, tokenOf(one))]).toEqual([one, expected]);
    }
    expect(await hello(role, TOKEN)).toBe(right === null ? "FLOCK_FORBIDDEN" : "in");
  });
});

describe("every message", () => {
  const kinds = Object.keys(clientFields) as ClientToScheduler["t"][];
  const said = kinds.filter((kind) => kind !== "ask");

  test("has its right", () => {
    expect(Object.keys(messageRights).sort()).toEqual([...kinds].sort());
    expect(kinds.filter((kind) => may("viewer", messageRights[kind])).sort()).toEqual(["ask", "goodbye"]);
    for (const role of ["admin", "submitter", "worker"] as const) {
      expect(kinds.filter((kind) => !may(role, messageRights[kind]))).toEqual([]);
    }
  });

  test.each(said)("%s ends the link of whose role has it not, and nobody else's", async (t) => {
    for (const role of roles) {
      const talker = await Talker.connect(tokenOf(role));
      talker.link.send({ t, ...rowOf(clientFields[t] ?? {}, talker.payloads) } as unknown as ClientToScheduler);
      if (!may(role, messageRights[t])) expect([role, (await talker.ended).code]).toEqual([role, "FLOCK_FORBIDDEN"]);
      else if (t !== "goodbye") {
        const over = talker.ended.then(({ code }) => expect([role, code]).not.toEqual([role, "FLOCK_FORBIDDEN"]));
        await Promise.race([talker.ping(), over]);
      }
      await talker.link.close();
    }
  });
});

describe("every question", () => {
  const kinds = Object.keys(questionCases);

  test("has its right", () => {
    expect(Object.keys(questionRights).sort()).toEqual([...kinds].sort());
  });

  test("that manages is for admins only", () => {
    const managing = kinds.filter((q) =>
      questionsNamed(q, new PayloadStore()).some((question) => rightToAsk(question) === "manage"),
    );
    expect(managing.sort()).toEqual(
      ["equip", "pageCancel", "restart", "restartWorkers", "retire", "retireIdle", "scaledUp", "unequip"].sort(),
    );
  });

  test.each(roles)("is answered, or refused with FLOCK_FORBIDDEN, as the role %s has it", async (role) => {
    const talker = await Talker.connect(tokenOf(role));
    const asked: [question: Question, id: number][] = [];
    for (const q of kinds) {
      for (const question of questionsNamed(q, talker.payloads)) asked.push([question, talker.ask(question)]);
    }
    await talker.ping();
    for (const [question, id] of asked) {
      const isRefused = talker.answers.get(id) === "FLOCK_FORBIDDEN";
      expect([question, isRefused]).toEqual([question, !may(role, rightToAsk(question))]);
    }
    await talker.link.close();
  });
});

test("a session is gone on with by its own user only", async () => {
  const talker = await Talker.connect(tokenOf("submitter"));
  const { id, secret } = talker.link.welcome;
  const resume = async (token: string, shown: string): Promise<boolean> => {
    const { socket, welcome } = await openSocket({
      ...{ address: scheduler.address, timeoutMs: 5_000, maxFrameBytes: 4_194_304 },
      hello: {
        ...{ t: "hello", role: "client", protocol: PROTOCOL_VERSION, token, name: "walker", observer: false },
        resume: { id, secret: shown },
      },
    });
    socket.terminate();
    return welcome.resumed;
  };
  for (const token of [tokenOf("viewer"), tokenOf("worker"), tokenOf("admin"), TOKEN]) {
    expect([token, await resume(token, secret)]).toEqual([token, false]);
  }
  expect(await resume(tokenOf("submitter"), `${secret}x`)).toBe(false);
  expect(await resume(tokenOf("submitter"), secret)).toBe(true);
  await talker.link.close();
});

test("what was refused has left nothing behind", async () => {
  const stored = async (): Promise<number> => {
    const [, count] = /^taskflock_scheduler_payloads (\d+)$/m.exec((await scheduler.metrics()).body) ?? [];
    expect(count).toBeDefined();
    return Number(count);
  };
  const before = await stored();
  for (let round = 0; round < 3; round++) {
    const talker = await Talker.connect(tokenOf("viewer"));
    for (const q of Object.keys(questionCases)) for (const one of questionsNamed(q, talker.payloads)) talker.ask(one);
    await talker.ping();
    const { submit = {}, scatter = {}, function: define = {} } = clientFields;
    for (const [t, fields] of Object.entries({ function: define, scatter, submit })) {
      talker.link.send({ t, ...rowOf(fields, talker.payloads) } as unknown as ClientToScheduler);
    }
    expect((await talker.ended).code).toBe("FLOCK_FORBIDDEN");
  }
  expect(await stored()).toBe(before);
});
