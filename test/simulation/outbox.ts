// What a modelled client says goes through the allowance that real clients have.

import { Allowance } from "@taskflock/protocol";
import { type ClientToScheduler, FlockError, NO_PAYLOAD, type PayloadRef } from "@taskflock/protocol/words";
import type { ModelLink } from "./link.ts";
import { type PayloadTable, pack } from "./payloads.ts";
import type { Scenario } from "./scenario.ts";
import type { WorkerSurroundings } from "./worker-process.ts";

export interface ClientSurroundings extends WorkerSurroundings {
  readonly scenario: Scenario;
}

export class Outbox {
  readonly #link: ModelLink;
  readonly #payloads: PayloadTable;
  readonly #allowance: Allowance;

  constructor(link: ModelLink, payloads: PayloadTable, admissionBytes: number) {
    this.#link = link;
    this.#payloads = payloads;
    this.#allowance = new Allowance({
      admissionBytes,
      sendHeld: (message) => this.#send(message),
      freePayload: (payload) => this.#free(payload),
      crowded: () => {},
    });
  }

  /** Sends, or keeps what the scheduler does not take yet; frees the payload. */
  say(message: ClientToScheduler): void {
    if (!this.#allowance.take(message, payloadOf(message))) this.#send(message);
  }

  credited(bytes: number): void {
    this.#allowance.credited(bytes);
  }

  close(): void {
    this.#allowance.close(new FlockError("FLOCK_CLOSED", "the model leaves"));
  }

  #send(message: ClientToScheduler): void {
    this.#link.sendUp(pack(message, this.#payloads));
    this.#free(payloadOf(message));
  }

  #free(payload: PayloadRef): void {
    if (payload !== NO_PAYLOAD) this.#payloads.free(payload);
  }
}

function payloadOf(message: ClientToScheduler): PayloadRef {
  if (message.t === "submit") return message.args;
  if (message.t === "function") return message.code;
  if (message.t === "scatter") return message.data;
  return message.t === "ask" && "data" in message.question ? message.question.data : NO_PAYLOAD;
}
