// Words for the JSON schemas of routes.

import type { FastifyRequest } from "fastify";

export type Schema = Readonly<Record<string, unknown>>;

/** All properties may be left out, and no others may be there, unless said otherwise. */
export function object(properties: Readonly<Record<string, Schema>>, required: readonly string[] = []): Schema {
  return { type: "object", properties, required, additionalProperties: false };
}

export function text(description = "", maxLength = 1_000): Schema {
  return { type: "string", maxLength, ...said(description) };
}

export function integer(description: string, minimum: number, maximum: number, preset?: number): Schema {
  return { type: "integer", minimum, maximum, description, ...(preset === undefined ? {} : { default: preset }) };
}

export function choice(values: readonly string[], description = ""): Schema {
  return { type: "string", enum: values, ...said(description) };
}

export function list(items: Schema, description = "", maxItems = 10_000): Schema {
  return { type: "array", items, maxItems, ...said(description) };
}

/** An answer that is described in words. */
export function described(description: string): Schema {
  return { type: "object", additionalProperties: true, description };
}

const failed: Schema = {
  description: "A coded error; docs/errors.md lists the codes.",
  ...object({ code: text(), message: text(), advice: text() }),
};

/** A page of a listing: how many rows at most. */
export function limit(maximum: number, preset: number): Schema {
  return integer("Rows at most.", 1, maximum, preset);
}

/** A number of the scheduler's: of a task, a run, an event. */
export function number(description: string, preset?: number): Schema {
  return integer(description, 0, Number.MAX_SAFE_INTEGER, preset);
}

/** What a route answers: this, or an error. */
export function answers(success: Schema): Schema {
  return { 200: { description: "Done.", ...success }, "4xx": failed, "5xx": failed };
}

function said(description: string): Schema {
  return description === "" ? {} : { description };
}

/** Before a body is checked: none is one that says nothing. */
export async function emptyBody(request: FastifyRequest): Promise<void> {
  request.body ??= {};
}
