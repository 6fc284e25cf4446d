// A profile: what of a cluster on AWS differs from the defaults, as JSON. Its keys are the Terraform module's variables in camel case.

import { readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { FlockError } from "@taskflock/protocol/words";
import type { ModuleVariable } from "./variables.ts";

export type ProfileValue = string | number | boolean | null | readonly string[] | Readonly<Record<string, string>>;
export type Profile = Readonly<Record<string, ProfileValue>>;

/** `region` is not the module's, but the provider's. The others are chosen, or kept, by `taskflock aws up`. */
const region: ModuleVariable = {
  key: "region",
  variable: "region",
  type: "string",
  description: "AWS region of the cluster. Default: AWS_REGION, AWS_DEFAULT_REGION, or us-east-1.",
  preset: "us-east-1",
  isSecret: false,
};

/** What a profile may say: not what is made for each cluster. */
export function profileKeys(
  variables: readonly ModuleVariable[],
  kept: ReadonlySet<string>,
): readonly ModuleVariable[] {
  return [region, ...variables.filter(({ isSecret, variable }) => !isSecret && !kept.has(variable))];
}

/** Throws FLOCK_PROFILE_INVALID. */
export function readProfile(file: string, keys: readonly ModuleVariable[]): Profile {
  let raw: unknown;
  try {
    raw = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw invalid(`The profile ${file} cannot be read: ${(cause as Error).message}`, cause);
  }
  return withPaths(checkProfile(raw, keys, file), dirname(file));
}

export function checkProfile(raw: unknown, keys: readonly ModuleVariable[], where: string): Profile {
  if (typeof raw !== "object" || raw === null || Array.isArray(raw))
    throw invalid(`${where}: a profile is an object, such as { "contact": "ada@example.com", "workersNum": 4 }.`);
  for (const [name, value] of Object.entries(raw)) {
    const key = keys.find((one) => one.key === name);
    if (key === undefined) throw unknownKey(name, keys, where);
    if (!fits(value, key)) throw invalid(`${where}: ${name} takes ${taken(key)}, not ${JSON.stringify(value)}.`);
  }
  return raw as Profile;
}

/** `spotPrice=0.3`, `alternativeInstanceTypes=g5.xlarge,g6.xlarge`, `gpus=false`, `subnet=null`. Throws FLOCK_PROFILE_INVALID. */
export function readSetting(text: string, keys: readonly ModuleVariable[]): Profile {
  const [, name = "", said = ""] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  const key = keys.find((one) => one.key === name);
  if (key === undefined) throw unknownKey(name === "" ? text : name, keys, "--set");
  const value = readValue(said, key);
  return withPaths(checkProfile({ [name]: value }, keys, "--set"), ".");
}

const paths = ["sshPublicKeyFile", "certificates"] as const;

/** Files are meant from where they are said: Terraform runs in another folder. It knows `~` itself. */
export function withPaths(profile: Profile, base: string): Profile {
  const said = paths.flatMap((key) => {
    const path = profile[key];
    return typeof path === "string" && !/^(~|$)/.test(path) ? [[key, resolve(base, path)]] : [];
  });
  return { ...profile, ...Object.fromEntries(said) };
}

/** Where these are not said, something else than the module's default comes in their place: the caller's region and address. */
const keptAsSaid: ReadonlySet<string> = new Set(["region", "adminCidrs"]);

/** Only what differs from the defaults. */
export function differing(profile: Profile, keys: readonly ModuleVariable[]): Profile {
  const isOther = ([name, value]: [string, ProfileValue]): boolean => {
    const preset = keys.find(({ key }) => key === name)?.preset;
    return keptAsSaid.has(name) || JSON.stringify(value) !== JSON.stringify(preset);
  };
  return Object.fromEntries(Object.entries(profile).filter(isOther));
}

export function writeProfile(file: string, profile: Profile): void {
  writeFileSync(file, `${JSON.stringify(profile, null, 2)}\n`);
}

/** With the defaults in the gaps. Throws FLOCK_PROFILE_INVALID for what has none and is not given. */
export function completeProfile(profile: Profile, keys: readonly ModuleVariable[]): Complete {
  const missing = keys.filter(({ key, preset }) => preset === undefined && profile[key] === undefined);
  if (missing.length > 0) {
    const lines = missing.map(({ key, description }) => `${key} (${description.replace(/\.$/, "")})`).join(", ");
    const how = missing.map(({ key }) => `--set ${key}=…`).join(" ");
    throw invalid(`The cluster needs ${lines}. Give it in the profile or by ${how}.`);
  }
  const presets = Object.fromEntries(keys.map(({ key, preset }) => [key, preset]));
  presets["region"] = process.env["AWS_REGION"] || process.env["AWS_DEFAULT_REGION"] || region.preset;
  return { ...presets, ...profile } as unknown as Complete;
}

/** What of it is read here; Terraform reads the rest. */
export interface Complete extends Profile {
  readonly region: string;
  readonly clusterName: string;
  readonly instanceType: string;
  readonly alternativeInstanceTypes: readonly string[];
  readonly spotPrice: number | null;
  readonly workersNum: number;
  readonly workersMax: number | null;
  readonly schedulerInstanceType: string;
  readonly schedulerPrice: number | null;
  readonly schedulerSpot: boolean;
  readonly dockerRegistry: string | null;
  readonly imageTag: string;
  readonly imageDigest: string | null;
  readonly workerAmiParameter: string;
  readonly schedulerAmiParameter: string;
  readonly clusterExpiration: string;
  readonly sshPublicKeyFile: string | null;
  readonly adminCidrs: readonly string[];
}

/** Of workers, without repetition: the one that is wanted most first. */
export function typesOf({ instanceType, alternativeInstanceTypes }: Complete): readonly string[] {
  return [...new Set([instanceType, ...alternativeInstanceTypes])];
}

function readValue(text: string, { type }: ModuleVariable): unknown {
  if (text === "null") return null;
  if (type === "string") return text;
  if (type === "number") return text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text);
  if (type === "bool") return text === "true" ? true : text === "false" ? false : text;
  const parts = text === "" ? [] : text.split(",").map((part) => part.trim());
  if (type === "list(string)") return parts;
  return Object.fromEntries(parts.map((part) => [part.split("=")[0] ?? "", part.slice(part.indexOf("=") + 1)]));
}

function fits(value: unknown, { type, preset }: ModuleVariable): boolean {
  if (value === null) return preset === null;
  if (type === "string") return typeof value === "string";
  if (type === "number") return typeof value === "number" && Number.isFinite(value);
  if (type === "bool") return typeof value === "boolean";
  if (type === "list(string)") return Array.isArray(value) && value.every((one) => typeof one === "string");
  return (
    typeof value === "object" && !Array.isArray(value) && Object.values(value).every((one) => typeof one === "string")
  );
}

const words = {
  string: "text",
  number: "a number",
  bool: "true or false",
  "list(string)": "a list of texts",
  "map(string)": "an object of texts",
} as const;

function taken({ type, preset }: ModuleVariable): string {
  return preset === null ? `${words[type]} or null` : words[type];
}

function unknownKey(name: string, keys: readonly ModuleVariable[], where: string): FlockError {
  const plain = (text: string): string => text.replace(/[_\W]/g, "").toLowerCase();
  const wanted = plain(name);
  const meant = keys.find(({ key }) => plain(key) === wanted || distance(plain(key), wanted) <= 2);
  const hint =
    meant === undefined ? `There are: ${keys.map(({ key }) => key).join(", ")}.` : `Did you mean ${meant.key}?`;
  return invalid(`${where}: a profile has no ${JSON.stringify(name)}. ${hint}`);
}

/** How many letters must be added, removed or changed. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries())
      next.push(Math.min((row[j] ?? 0) + (letter === other ? 0 : 1), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    row = next;
  }
  return row[b.length] ?? 0;
}

function invalid(message: string, cause?: unknown): FlockError {
  return new FlockError("FLOCK_PROFILE_INVALID", message, { cause });
}
