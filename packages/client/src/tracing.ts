// Spans for OpenTelemetry: of each task that is submitted while the user's program has a tracer, with what it waited, ran, and took to
// travel as its children. Without a tracer nothing of it is loaded.

import type { Context, Span, Tracer } from "@opentelemetry/api";
import type { StoryLine, TaskNumber } from "@taskflock/protocol/words";
import type { Questions } from "./questions.ts";
import type { TaskRecord } from "./record.ts";
import { phasesOf } from "./trace-phases.ts";

type Api = typeof import("@opentelemetry/api");

/** What the session says. */
export interface TracingHost {
  readonly questions: Questions;
  readonly address: string;
  keyOf(record: TaskRecord): string;
}

/** Where OpenTelemetry's API, in whichever copy, leaves what was registered. */
const REGISTERED = Symbol.for("opentelemetry.js.api.1");

interface Traced {
  readonly span: Span;
  readonly context: Context;
}

/** Null where nobody has registered a tracer provider. `nowUs`: the scheduler's clock, as it was a moment ago. */
export async function loadTracing(host: TracingHost, nowUs: number): Promise<Tracing | null> {
  const registered = (globalThis as { [REGISTERED]?: { readonly trace?: unknown } })[REGISTERED];
  if (registered?.trace === undefined) return null;
  const offsetMs = Date.now() - nowUs / 1000;
  try {
    return new Tracing(host, await import("@opentelemetry/api"), offsetMs);
  } catch {
    return null; // the copy that was registered is not one that we can reach
  }
}

export class Tracing {
  readonly #host: TracingHost;
  readonly #api: Api;
  readonly #tracer: Tracer;
  /** Between the scheduler's clock and the time of day, milliseconds. */
  readonly #offsetMs: number;
  /** From submission until the client lets go of the task. */
  readonly #tasks: Map<TaskNumber, Traced> = new Map();

  constructor(host: TracingHost, api: Api, offsetMs: number) {
    this.#host = host;
    this.#api = api;
    this.#offsetMs = offsetMs;
    this.#tracer = api.trace.getTracer("taskflock");
  }

  /** Spans of the task are children of whatever span is active here. */
  submitted(record: TaskRecord): void {
    const { context, trace, SpanKind } = this.#api;
    const attributes = { "taskflock.function": record.name, "taskflock.scheduler": this.#host.address };
    const span = this.#tracer.startSpan(`task ${record.name}`, { kind: SpanKind.PRODUCER, attributes });
    if (!span.isRecording()) return; // not sampled
    this.#tasks.set(record.n, { span, context: trace.setSpan(context.active(), span) });
  }

  /** Its outcome is known here. */
  ended(record: TaskRecord): void {
    const traced = this.#tasks.get(record.n);
    if (traced === undefined || !traced.span.isRecording()) return;
    void this.#end(record, traced, Date.now());
  }

  /** Its result, which did not come with the outcome, is fetched; call what is returned when it is here, or failed. */
  transfer(n: TaskNumber): (bytes: number | null) => void {
    const traced = this.#tasks.get(n);
    if (traced === undefined) return ignore;
    const span = this.#tracer.startSpan("transfer", { kind: this.#api.SpanKind.CLIENT }, traced.context);
    return (bytes) => {
      if (bytes === null) span.setStatus({ code: this.#api.SpanStatusCode.ERROR });
      else span.setAttribute("taskflock.bytes", bytes);
      span.end();
    };
  }

  /** The client let go of it. */
  dropped(record: TaskRecord): void {
    const traced = this.#tasks.get(record.n);
    this.#tasks.delete(record.n);
    if (traced?.span.isRecording() === true && record.state === "pending") traced.span.end();
  }

  close(): void {
    for (const { span } of this.#tasks.values()) if (span.isRecording()) span.end();
    this.#tasks.clear();
  }

  /** The scheduler is asked how it went; the question goes out before a release can. */
  async #end(record: TaskRecord, traced: Traced, endedAt: number): Promise<void> {
    const { span } = traced;
    span.setAttribute("taskflock.key", this.#host.keyOf(record));
    span.setAttribute("taskflock.outcome", record.state);
    const { outcome } = record;
    if (outcome?.t === "failed") {
      const { failure, worker, attempt } = outcome;
      span.setAttributes({ "taskflock.worker": worker, "taskflock.attempt": attempt });
      span.recordException({ name: failure.name, message: failure.message, code: failure.code ?? "" }, endedAt);
      span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message: failure.message });
    }
    try {
      if (record.fault === null) this.#addPhases(traced, await this.#host.questions.ask({ q: "story", n: record.n }));
    } catch {
      // It was forgotten meanwhile, or the client was closed: its own span is all there is.
    }
    span.end(endedAt);
  }

  #addPhases({ context }: Traced, story: readonly StoryLine[]): void {
    for (const { name, from, to, attempt, worker } of phasesOf(story)) {
      const attributes = worker === "" ? {} : { "taskflock.worker": worker, "taskflock.attempt": attempt };
      const span = this.#tracer.startSpan(name, { startTime: this.#timeOf(from), attributes }, context);
      span.end(this.#timeOf(to));
    }
  }

  #timeOf(us: number): number {
    return us / 1000 + this.#offsetMs;
  }
}

function ignore(): void {}
