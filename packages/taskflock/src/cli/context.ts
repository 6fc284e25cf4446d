// `taskflock context`: clusters by name.

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { FlockError, isFlockError } from "@taskflock/protocol/words";
import type { Command } from "commander";
import { columns } from "../format.ts";
import { printLine } from "../process.ts";

export function addContextCommand(program: Command): void {
  const contexts = program
    .command("context")
    .description(
      "Saved connections: clusters by name. Client.connect() and all commands use the current one where no address is said; " +
        "TASKFLOCK_CONTEXT names another.",
    );
  contexts.command("list").description("Print all; * marks the current one.").action(list);
  contexts
    .command("show")
    .description("Print one as JSON.")
    .argument("[name]", "which (default: the current one)")
    .action(show);
  contexts
    .command("save")
    .description("Save one, in place of one of that name, and make it the current one.")
    .argument("<name>", "its name: letters, digits, dots, dashes and _")
    .requiredOption("--address <address>", "the scheduler, as host:port")
    .option("--token-file <file>", "file that holds the token")
    .option("--tls-ca <file>", "certificates of the authorities that are trusted: links use TLS")
    .option("--dashboard <url>", "the status page, where the scheduler does not say it")
    .option("--no-use", "leave the current one as it is")
    .action(save);
  contexts
    .command("use")
    .description("Make one the current one.")
    .argument("[name]", "which; with --none: none")
    .option("--none", "let none be the current one: a scheduler on this machine is meant then", false)
    .action(use);
  contexts
    .command("remove")
    .description("Forget one. The cluster and the files that the context names stay as they are.")
    .argument("<name>", "which")
    .action(remove);
}

async function list(): Promise<void> {
  const { currentContextName, listContexts, readContext } = await import("@taskflock/protocol/code");
  const current = currentContextName();
  const rows = listContexts().map((name) => [name === current ? "*" : "", name, addressOf(() => readContext(name))]);
  if (rows.length === 0)
    printLine("None is saved. `taskflock context save` does, and `taskflock aws up` for the cluster that it starts.");
  else for (const line of columns([["", "NAME", "ADDRESS"], ...rows])) printLine(line);
}

/** One damaged file hides no other context. */
function addressOf(read: () => { readonly address: string }): string {
  try {
    return read().address;
  } catch (error) {
    if (isFlockError(error)) return `(cannot be used: ${error.code}; taskflock context show says why)`;
    throw error;
  }
}

async function show(name: string | undefined): Promise<void> {
  const { currentContextName, findPlace } = await import("@taskflock/protocol/code");
  const which = name ?? currentContextName();
  printLine(JSON.stringify(findPlace(which === null ? {} : { context: which }), null, 2));
}

interface SaveFlags {
  readonly address: string;
  readonly tokenFile?: string;
  readonly tlsCa?: string;
  readonly dashboard?: string;
  readonly use: boolean;
}

async function save(name: string, { address, tokenFile, tlsCa, dashboard, use }: SaveFlags): Promise<void> {
  const { chooseContext, saveContext } = await import("@taskflock/protocol/code");
  saveContext(name, {
    address,
    ...(tokenFile === undefined ? {} : { tokenFile: existing(tokenFile, "--token-file") }),
    ...(tlsCa === undefined ? {} : { caFile: existing(tlsCa, "--tls-ca") }),
    ...(dashboard === undefined ? {} : { dashboard }),
  });
  if (use) chooseContext(name);
  printLine(`${name} is saved${use ? ", and is current now" : ""}.`);
}

/** Its full path: the context is used from other folders. */
function existing(file: string, flag: string): string {
  if (existsSync(file)) return resolve(file);
  throw new FlockError("FLOCK_CONTEXT_INVALID", `There is no file ${resolve(file)} (${flag}). Nothing was saved.`);
}

async function use(name: string | undefined, { none }: { readonly none: boolean }, command: Command): Promise<void> {
  const { chooseContext } = await import("@taskflock/protocol/code");
  if ((name === undefined) !== none) command.error("error: give a name, or --none");
  chooseContext(name ?? null);
  printLine(name === undefined ? "No context is current now." : `${name} is current now.`);
}

async function remove(name: string): Promise<void> {
  const { readContext, removeContext } = await import("@taskflock/protocol/code");
  if (!removeContext(name)) readContext(name); // which says that there is none, and which there are
  printLine(`${name} is forgotten.`);
}
