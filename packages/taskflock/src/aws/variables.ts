// The variables of the Terraform module, read from its own files, so that profiles know what it knows.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const variableTypes = ["string", "number", "bool", "list(string)", "map(string)"] as const;

export interface ModuleVariable {
  /** In profiles: `instanceType`. */
  readonly key: string;
  /** In Terraform: `instance_type`. */
  readonly variable: string;
  readonly type: (typeof variableTypes)[number];
  readonly description: string;
  /** Undefined: it must be given. */
  readonly preset: unknown;
  /** It is never written down: the module takes it, and keeps it nowhere. */
  readonly isSecret: boolean;
}

/** In the order of the files. */
export function readVariables(folder: string): readonly ModuleVariable[] {
  const files = readdirSync(folder).filter((name) => /^variables.*\.tf$/.test(name));
  return files.sort().flatMap((name) => variablesIn(readFileSync(join(folder, name), "utf8")));
}

/** Of `terraform fmt`'s form, which the module has: blocks end with a brace at the beginning of a line, values are on one line. */
export function variablesIn(text: string): ModuleVariable[] {
  return [...text.matchAll(/^variable "(\w+)" \{\n([\s\S]*?)\n\}$/gm)].map(([, variable = "", body = ""]) => {
    const value = (name: string): string | undefined => new RegExp(`^ {2}${name} += (.+)$`, "m").exec(body)?.[1];
    const type = value("type");
    if (!isType(type)) throw new Error(`The variable ${variable} has the type ${type}, which profiles do not know.`);
    const preset = value("default");
    return {
      key: camelCase(variable),
      variable,
      type,
      description: JSON.parse(value("description") ?? '""'),
      preset: preset === undefined ? undefined : JSON.parse(preset),
      isSecret: value("ephemeral") === "true",
    };
  });
}

export function camelCase(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function isType(text: string | undefined): text is ModuleVariable["type"] {
  return (variableTypes as readonly (string | undefined)[]).includes(text);
}
