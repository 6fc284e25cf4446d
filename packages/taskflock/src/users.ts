// What `taskflock user` does to the file of users.

import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { FlockError, makeToken, type Role, writeToken } from "@taskflock/protocol/links";
import {
  checkName,
  checkPassword,
  keepPassword,
  readUsers,
  readUsersIfAny,
  type User,
  writeUsers,
} from "@taskflock/scheduler";
import { whileLocked } from "./users-lock.ts";

export interface PasswordSource {
  readonly usersFile: string;
  readonly passwordFile?: string;
  readonly generate: boolean;
  readonly tokenFile?: string;
}

/** The token that is to be shown, once; null when it lies in a file, or the person knows the password. */
export async function addUser(name: string, role: string, source: PasswordSource): Promise<string | null> {
  checkName(name);
  const { usersFile } = source;
  othersThan(name, usersFile);
  checkTokenFile(name, source);
  const password = await passwordFrom(name, source);
  const user = { name, role: role as Role, created: new Date().toISOString(), scrypt: await keepPassword(password) };
  whileLocked(usersFile, () =>
    withToken(name, password, source, () => writeUsers(usersFile, [...othersThan(name, usersFile), user])),
  );
  return shown(name, password, source);
}

export async function changePassword(name: string, source: PasswordSource): Promise<string | null> {
  const { usersFile } = source;
  find(name, usersFile);
  checkTokenFile(name, source);
  const password = await passwordFrom(name, source);
  const scrypt = await keepPassword(password);
  whileLocked(usersFile, () =>
    withToken(name, password, source, () => change(name, usersFile, (user) => ({ ...user, scrypt }))),
  );
  return shown(name, password, source);
}

export function changeRole(name: string, role: string, { usersFile }: Pick<PasswordSource, "usersFile">): void {
  find(name, usersFile);
  whileLocked(usersFile, () => change(name, usersFile, (user) => ({ ...user, role: role as Role })));
}

export function removeUser(name: string, { usersFile }: Pick<PasswordSource, "usersFile">): void {
  find(name, usersFile);
  whileLocked(usersFile, () =>
    writeUsers(
      usersFile,
      readUsers(usersFile).filter((user) => user.name !== name),
    ),
  );
}

/** Nothing of passwords. */
export function listUsers(asJson: boolean, { usersFile }: Pick<PasswordSource, "usersFile">): string[] {
  const users = readUsers(usersFile).map(({ name, role, created }) => ({ name, role, created }));
  if (asJson) return [JSON.stringify(users, null, 2)];
  const width = Math.max(4, ...users.map(({ name }) => name.length));
  const row = (name: string, role: string, created: string): string =>
    `${name.padEnd(width)}  ${role.padEnd(9)}  ${created}`;
  return [row("name", "role", "since"), ...users.map(({ name, role, created }) => row(name, role, created))];
}

function change(name: string, file: string, to: (user: User) => User): void {
  find(name, file);
  writeUsers(
    file,
    readUsers(file).map((user) => (user.name === name ? to(user) : user)),
  );
}

/** Throws FLOCK_OPTION_INVALID when it is there. */
function othersThan(name: string, file: string): readonly User[] {
  const users = readUsersIfAny(file);
  if (!users.some((user) => user.name === name)) return users;
  const text = `There is a user ${name} in ${file} already. \`taskflock user password\` and \`taskflock user role\` change one.`;
  throw new FlockError("FLOCK_OPTION_INVALID", text);
}

function find(name: string, file: string): void {
  if (readUsers(file).some((user) => user.name === name)) return;
  throw new FlockError("FLOCK_USER_UNKNOWN", `There is no user ${name} in ${file}.`);
}

async function passwordFrom(name: string, { passwordFile, generate }: PasswordSource): Promise<string> {
  if (generate && passwordFile !== undefined) {
    throw new FlockError(
      "FLOCK_OPTION_INVALID",
      "--generate makes a password, --password-file names one: give one of them.",
    );
  }
  if (generate) return makeToken();
  const password = passwordFile === undefined ? await ask(name) : readPassword(passwordFile);
  checkPassword(password);
  return password;
}

function readPassword(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FlockError("FLOCK_OPTION_INVALID", `The password file ${file} cannot be read: ${why}.`, { cause });
  }
}

async function ask(name: string): Promise<string> {
  if (!process.stdin.isTTY) {
    const text = "There is no terminal to ask for a password at: give --password-file FILE, or --generate.";
    throw new FlockError("FLOCK_OPTION_INVALID", text);
  }
  const first = await askOnce(`Password for ${name}: `);
  checkPassword(first);
  if ((await askOnce("The same again: ")) === first) return first;
  throw new FlockError("FLOCK_OPTION_INVALID", "The two passwords differ; nothing was changed.");
}

/** What is typed is not shown. */
async function askOnce(question: string): Promise<string> {
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  try {
    // Ctrl-C and Ctrl-D close it, and the question would stay open.
    const left = new Promise<never>((_, reject) => lines.once("close", () => reject(noPassword())));
    left.catch(() => undefined);
    return (await Promise.race([lines.question(""), left])).trim();
  } finally {
    lines.close();
    process.stderr.write("\n");
  }
}

/** Before anything is changed: what else lies in that file, such as another user's token, is nowhere else, perhaps. */
function checkTokenFile(name: string, { tokenFile }: PasswordSource): void {
  if (tokenFile === undefined || !existsSync(tokenFile)) return;
  const isFile = statSync(tokenFile).isFile();
  const held = isFile ? readFileSync(tokenFile, "utf8") : "";
  if (isFile && (held === "" || held.startsWith(`${name}:`))) return;
  const what = isFile ? `holds something else than a token of ${name}` : "is no file";
  throw new FlockError("FLOCK_OPTION_INVALID", `--token-file ${tokenFile} ${what}; nothing was changed. Name another.`);
}

function noPassword(): FlockError {
  return new FlockError("FLOCK_OPTION_INVALID", "No password was given; nothing was changed.");
}

/** With the token in its file, if one is named; either both are done or neither. */
function withToken(name: string, password: string, { tokenFile }: PasswordSource, change: () => void): void {
  if (tokenFile === undefined) {
    change();
    return;
  }
  const before = existsSync(tokenFile) ? readFileSync(tokenFile, "utf8") : null;
  try {
    writeToken(tokenFile, tokenOf(name, password));
  } catch (cause) {
    const text = `The token file ${tokenFile} cannot be written: ${(cause as Error).message}; nothing was changed.`;
    throw new FlockError("FLOCK_OPTION_INVALID", text, { cause });
  }
  try {
    change();
  } catch (error) {
    if (before === null) rmSync(tokenFile, { force: true });
    else writeFileSync(tokenFile, before);
    throw error;
  }
}

/** What is to be printed. */
function shown(name: string, password: string, { generate, tokenFile }: PasswordSource): string | null {
  return generate && tokenFile === undefined ? tokenOf(name, password) : null;
}

const tokenOf = (name: string, password: string): string => `${name}:${password}`;
