// Bytes, modelled: what they stand for and how many they are. Each process has its own table of them.

import type {
  ClientToScheduler,
  PayloadRef,
  SchedulerToClient,
  SchedulerToWorker,
  WorkerToScheduler,
} from "@taskflock/protocol/words";
import { NO_PAYLOAD } from "@taskflock/protocol/words";

export type Content =
  | { readonly is: "value"; readonly value: number; readonly bytes: number }
  | { readonly is: "arguments"; readonly spec: number }
  | { readonly is: "code"; readonly hash: string }
  | { readonly is: "error"; readonly text: string };

export class PayloadTable {
  readonly #owner: string;
  readonly #contents = new Map<PayloadRef, Content>();
  #last = 0;

  constructor(owner: string) {
    this.#owner = owner;
  }

  get count(): number {
    return this.#contents.size;
  }

  put(content: Content): PayloadRef {
    const ref = ++this.#last as PayloadRef;
    this.#contents.set(ref, content);
    return ref;
  }

  get(ref: PayloadRef): Content {
    const content = this.#contents.get(ref);
    if (content === undefined) throw new Error(`${this.#owner} reads payload ${ref} that is not there`);
    return content;
  }

  free(ref: PayloadRef): void {
    if (!this.#contents.delete(ref)) throw new Error(`${this.#owner} frees payload ${ref} that is not there`);
  }

  /** For messages: what is left, to be found in a failing run. */
  left(): string {
    return [...this.#contents].map(([ref, content]) => `${ref}:${JSON.stringify(content)}`).join(" ");
  }
}

export type AnyMessage = ClientToScheduler | SchedulerToClient | SchedulerToWorker | WorkerToScheduler;

/** A message with the bytes it carries: references in it are places in `contents`, from 1. */
export interface Packed<M extends AnyMessage = AnyMessage> {
  readonly message: M;
  readonly contents: readonly Content[];
}

export function pack<M extends AnyMessage>(message: M, from: PayloadTable): Packed<M> {
  const contents: Content[] = [];
  const packed = mapPayloads(message, (ref) => contents.push(from.get(ref)) as PayloadRef);
  return { message: packed, contents };
}

export function unpack<M extends AnyMessage>(packed: Packed<M>, to: PayloadTable): M {
  if (packed.contents.length === 0) return packed.message;
  return mapPayloads(packed.message, (place) => to.put(packed.contents[place - 1] as Content));
}

export function freeIn(message: AnyMessage, table: PayloadTable): void {
  mapPayloads(message, (ref) => {
    table.free(ref);
    return NO_PAYLOAD;
  });
}

type Change = (ref: PayloadRef) => PayloadRef;

function mapPayloads<M extends AnyMessage>(message: M, change: Change): M {
  const to = (ref: PayloadRef): PayloadRef => (ref === NO_PAYLOAD ? NO_PAYLOAD : change(ref));
  return mapped(message, to) as M;
}

function mapped(message: AnyMessage, to: Change): AnyMessage {
  switch (message.t) {
    case "function":
      return { ...message, code: to(message.code) };
    case "submit":
      return { ...message, args: to(message.args) };
    case "scatter":
      return { ...message, data: to(message.data) };
    case "profiled":
    case "report":
    case "tell":
      return { ...message, data: to(message.data) };
    case "done":
    case "finished":
      return { ...message, result: to(message.result) };
    case "failed":
    case "errored":
      return { ...message, failure: { ...message.failure, error: to(message.failure.error) } };
    case "ask":
      return "data" in message.question
        ? { ...message, question: { ...message.question, data: to(message.question.data) } }
        : message;
    case "answer":
    case "equip":
      return { ...message, data: to(message.data) };
    case "located":
      return { ...message, inline: to(message.inline) };
    case "assign": {
      const inputs = message.inputs.map((input) => ({ ...input, inline: to(input.inline) }));
      return { ...message, args: to(message.args), inputs };
    }
    default:
      return message;
  }
}
