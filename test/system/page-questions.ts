// Asks a scheduler what the dashboard asks, as one who only watches.

import {
  type Answer,
  type PageAnswers,
  type PageQuestion,
  PayloadStore,
  SchedulerLink,
  type SchedulerToClient,
} from "@taskflock/protocol/links";

type Heard = (answer: Answer) => void;

export class PageAsker {
  readonly #link: SchedulerLink<"client", "toClient">;
  readonly #open: Map<number, Heard>;
  #last = 0;

  private constructor(link: SchedulerLink<"client", "toClient">, open: Map<number, Heard>) {
    this.#link = link;
    this.#open = open;
  }

  static async connect(address: string, token: string): Promise<PageAsker> {
    const open = new Map<number, Heard>();
    const hear = (messages: readonly SchedulerToClient[]): void => {
      for (const message of messages) if (message.t === "answer") open.get(message.id)?.(message);
    };
    const link = await SchedulerLink.open<"client", "toClient">({
      ...{ address, token, up: "client", down: "toClient", payloads: new PayloadStore(), reconnectMs: 0 },
      hello: { role: "client", name: "observer", observer: true },
      onMessages: hear,
      onUp: () => {},
      onDown: () => {},
      onGone: () => {},
    });
    return new PageAsker(link, open);
  }

  async ask<Q extends PageQuestion>(question: Q): Promise<PageAnswers[Q["q"]]> {
    const id = ++this.#last;
    const answered = new Promise<Answer>((resolve) => this.#open.set(id, resolve));
    this.#link.send({ t: "ask", id, question });
    const { value, error } = await answered;
    this.#open.delete(id);
    if (error !== null) throw new Error(`${error.code}: ${error.message}`);
    return value as PageAnswers[Q["q"]];
  }

  async close(): Promise<void> {
    this.#link.send({ t: "goodbye" });
    await this.#link.close();
  }
}
