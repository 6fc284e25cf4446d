// What somebody says who may not say everything. Checked here, before the machine hears of it.

import {
  type Answer,
  type Ask,
  type ClientToScheduler,
  type FlockError,
  forbidden,
  type Identity,
  may,
  messageRights,
  NO_PAYLOAD,
  type PayloadRef,
  rightToAsk,
} from "@taskflock/protocol/links";
import { freeClientMessage } from "../machine/index.ts";

export interface RightsCheckOptions {
  readonly who: Identity;
  free(payload: PayloadRef): void;
  /** A question is answered with a refusal. */
  answer(answer: Answer): void;
  /** For the audit log. */
  refused(what: string): void;
}

export class RightsCheck {
  readonly #options: RightsCheckOptions;
  /** Then only questions are looked at. */
  readonly #maySayAll: boolean;

  constructor(options: RightsCheckOptions) {
    this.#options = options;
    this.#maySayAll = Object.values(messageRights).every((right) => may(options.who.role, right));
  }

  /** What is to be heeded of a frame. An error: none of it, and the link is to end. Payloads of the rest are freed. */
  pass(messages: readonly ClientToScheduler[]): readonly ClientToScheduler[] | FlockError {
    const { who } = this.#options;
    const wrong = this.#maySayAll ? undefined : messages.find(({ t }) => !may(who.role, messageRights[t]));
    if (wrong !== undefined) {
      for (const message of messages) this.#free(message);
      this.#options.refused(wrong.t);
      return forbidden(who, `say "${wrong.t}"`, messageRights[wrong.t]);
    }
    const isAllowed = (message: ClientToScheduler): boolean => message.t !== "ask" || this.#mayAsk(message);
    return messages.every(isAllowed)
      ? messages
      : messages.filter((message) => isAllowed(message) || this.#deny(message));
  }

  #mayAsk({ question }: Ask): boolean {
    return may(this.#options.who.role, rightToAsk(question));
  }

  #deny(message: ClientToScheduler): false {
    const { id, question } = message as Ask;
    this.#free(message);
    const { code, message: text } = forbidden(this.#options.who, `ask "${question.q}"`, rightToAsk(question));
    this.#options.refused(question.q);
    this.#options.answer({
      t: "answer",
      id,
      value: null,
      error: { code, message: text },
      data: NO_PAYLOAD,
      dataBytes: 0,
    });
    return false;
  }

  #free(message: ClientToScheduler): void {
    freeClientMessage({ port: this.#options }, message);
  }
}
