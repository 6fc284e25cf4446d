// Clients: who is let in, what of what they say the machine hears, and how they leave.

import {
  type Admission,
  FlockError,
  type Identity,
  type PayloadRef,
  type Resume,
  type SchedulerToClient,
  type ServerLink,
  type SessionId,
} from "@taskflock/protocol/links";
import { isObservation } from "../machine/index.ts";
import { ClientParty } from "../parties.ts";
import { type Ground, revocation, welcomeFor } from "./ground.ts";
import { RightsCheck } from "./rights-check.ts";
import { SessionAudit } from "./session-audit.ts";

type ClientLink = ServerLink<"client", "toClient">;
type ClientAdmission = Admission<"client", "toClient">;
type Handlers = ReturnType<ClientAdmission["attach"]>;
type Heard = Parameters<Handlers["onMessages"]>[0];

export class Clients {
  readonly #ground: Ground;
  readonly #free: (payload: PayloadRef) => void;
  readonly #clients: Map<number, ClientParty> = new Map();
  #last = 0;

  constructor(ground: Ground, free: (payload: PayloadRef) => void) {
    this.#ground = ground;
    this.#free = free;
  }

  send(session: SessionId, message: SchedulerToClient): void {
    this.#clients.get(session)?.link?.send(message);
  }

  admit(name: string, observer: boolean, resume: Resume | null, who: Identity): ClientAdmission {
    const known = resume === null ? undefined : this.#clients.get(resume.id);
    const resumed = resume !== null && known?.mayResume(resume, who) === true;
    const client = resumed && known ? known : new ClientParty(++this.#last, name, who, observer);
    return {
      welcome: welcomeFor(this.#ground, client, resumed),
      up: "client",
      down: "toClient",
      silentMs: this.#ground.options.clientSilentMs,
      attach: (link) => this.#attach(client, link, resumed),
    };
  }

  /** Who was let in as one of the users is so no more. */
  revoke(users: ReadonlySet<string>): void {
    for (const client of [...this.#clients.values()]) {
      if (users.has(client.who.user)) this.#end(client, new FlockError("FLOCK_UNAUTHORIZED", revocation(client.who)));
    }
  }

  forgetAll(): void {
    for (const client of this.#clients.values()) {
      client.forget();
      client.audit?.end("the scheduler ends");
    }
  }

  #attach(client: ClientParty, link: ClientLink, resumed: boolean): Handlers {
    const { driver, audit, options } = this.#ground;
    const { name } = client;
    const session = client.id as SessionId;
    this.#clients.set(session, client);
    client.connect(link);
    const joined = { e: "clientJoined", session, name, ...(client.isObserver ? { observer: true } : {}) } as const;
    driver.happen(resumed ? { e: "clientResumed", session } : joined);
    this.#say(client, { session, name, peer: link.peer, resumed, ...named(client.who) }, "client connected");
    if (audit !== null) {
      client.audit ??= new SessionAudit(audit, client);
      client.audit.connected(link.peer, resumed);
    }
    return {
      onMessages: this.#hearing(client, link),
      onBlocked: () => driver.happen({ e: "clientBlocked", session }),
      onReady: () => driver.happen({ e: "clientReady", session }),
      onClosed: (how) => {
        if (client.link !== link || this.#clients.get(session) !== client) return;
        driver.happen({ e: "clientCut", session });
        client.disconnect(options.sessionReconnectMs, () => this.#gone(client, how));
      },
    };
  }

  /** Who may everything, of whom no book is kept, is heard as before there were roles. */
  #hearing(client: ClientParty, link: ClientLink): (messages: Heard) => void {
    const { audit } = client;
    if (client.who.role === "admin" && audit === null) return (messages) => this.#hear(client, link, messages);
    const check = client.who.role === "admin" ? null : this.#check(client);
    return (messages) => {
      const heeded = check?.pass(messages) ?? messages;
      if (heeded instanceof FlockError) return this.#end(client, heeded);
      audit?.heard(heeded);
      if (heeded.length > 0) this.#hear(client, link, heeded as Heard);
    };
  }

  #check(client: ClientParty): RightsCheck {
    return new RightsCheck({
      who: client.who,
      free: this.#free,
      answer: (answer) => client.link?.send(answer),
      refused: (what) => client.audit?.say("forbidden", { what }),
    });
  }

  #hear(client: ClientParty, link: ClientLink, messages: Heard): void {
    const { driver } = this.#ground;
    if (client.isObserver && !messages.every(isObservation)) {
      const text = `${client.name} said that it only asks, and then asked for work.`;
      link.refuse(new FlockError("FLOCK_FORBIDDEN", text));
      this.#gone(client, "it said that it only asks, and did more");
    }
    driver.hearClient(client.id as SessionId, messages);
    if (!messages.some(({ t }) => t === "goodbye")) return;
    this.#gone(client, "said goodbye");
    link.close(); // whoever stays is not heard any more
  }

  #end(client: ClientParty, error: FlockError): void {
    client.link?.refuse(error);
    this.#gone(client, error.message);
  }

  #gone(client: ClientParty, how: string): void {
    if (!this.#clients.delete(client.id)) return;
    client.forget();
    client.audit?.end(how);
    this.#ground.driver.happen({ e: "clientGone", session: client.id as SessionId });
    this.#say(client, { session: client.id, name: client.name, how, ...named(client.who) }, "client gone");
  }

  /** Those who only look on come and go as they like. */
  #say(client: ClientParty, facts: object, text: string): void {
    this.#ground.options.logger[client.isObserver ? "debug" : "info"](facts, text);
  }
}

function named({ user }: Identity): object {
  return user === "" ? {} : { user };
}
