// The three protocols of AWS that are spoken here: EC2's query protocol, the query protocol of older services, and JSON 1.1.
import { AwsError } from "./errors.ts";
import { Input } from "./input.ts";

export type Value = string | number | boolean | Date | undefined | null | Named | readonly Value[] | Values;
export type Values = { readonly [name: string]: Value };

/** A list whose elements have a name of their own. */
export class Named {
  readonly name: string;
  readonly items: readonly Value[];

  constructor(name: string, items: readonly Value[]) {
    this.name = name;
    this.items = items;
  }
}

export interface Ask {
  /** As requests are signed for it: "ec2", "autoscaling". */
  readonly service: string;
  readonly action: string;
  readonly input: Input;
  readonly region: string;
  readonly accessKey: string;
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const jsonServices = new Set(["ecr", "ssm", "secretsmanager", "servicequotas", "pricing", "logs", "kms"]);

export function readAsk(headers: NodeJS.Dict<string | string[]>, body: string): Ask {
  const signed = /Credential=([^/]*)\/\d+\/([^/]*)\/([^/]*)\//.exec(String(headers["authorization"]));
  const [, accessKey = "", region = "", service = ""] = signed ?? [];
  const target = headers["x-amz-target"];
  if (typeof target === "string") {
    const input = new Input(JSON.parse(body || "{}"));
    return { service, region, accessKey, input, action: target.split(".").at(-1) ?? "" };
  }
  const form = new URLSearchParams(body);
  return { service, region, accessKey, input: Input.fromForm(form), action: form.get("Action") ?? "" };
}

export function writeAnswer({ service, action }: Ask, values: Values): Answer {
  if (jsonServices.has(service)) return json(200, values);
  if (service === "ec2") return xml(200, `<${action}Response><requestId>1</requestId>${inner(values, "item")}`, action);
  const result = `<${action}Result>${inner(values, "member")}</${action}Result>`;
  return xml(200, `<${action}Response>${result}<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>`, action);
}

export function writeError({ service, action }: Pick<Ask, "service" | "action">, error: unknown): Answer {
  const known = error instanceof AwsError;
  const { code, status } = known ? error : { code: "InternalFailure", status: 500 };
  const message = known ? error.message : `${action}: ${String(error)}`;
  if (jsonServices.has(service)) return json(status, { __type: code, message });
  const told = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${escaped(message)}</Message></Error>`;
  const body =
    service === "ec2"
      ? `<Response><Errors>${told}</Errors><RequestID>1</RequestID></Response>`
      : `<ErrorResponse>${told}<RequestId>1</RequestId></ErrorResponse>`;
  return { status, type: "text/xml", body };
}

function json(status: number, values: Values): Answer {
  // Times are seconds since 1970 there.
  const plain = (value: Value): unknown => {
    if (value instanceof Date) return value.getTime() / 1_000;
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, inside]) => [name, plain(inside)]));
  };
  return { status, type: "application/x-amz-json-1.1", body: JSON.stringify(plain(values)) };
}

function xml(status: number, begun: string, action: string): Answer {
  return { status, type: "text/xml", body: `<?xml version="1.0" encoding="UTF-8"?>${begun}</${action}Response>` };
}

function inner(values: Values, item: string): string {
  return Object.entries(values)
    .map(([name, value]) => element(name, value, item))
    .join("");
}

function element(name: string, value: Value, item: string): string {
  if (value === undefined || value === null) return "";
  return `<${name}>${content(value, item)}</${name}>`;
}

function content(value: Exclude<Value, undefined | null>, item: string): string {
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Named) return value.items.map((one) => element(value.name, one, item)).join("");
  if (Array.isArray(value)) return value.map((one: Value) => element(item, one, item)).join("");
  return typeof value === "object" ? inner(value as Values, item) : escaped(String(value));
}

function escaped(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}
