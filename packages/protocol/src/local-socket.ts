// Processes of one machine talk over a Unix socket, at half the cost of TCP: bytes pass from process to process, not through a network
// stack. Nobody announces it: its name follows from the port beside which it is, a scheduler's or a peer's, in a folder that only this
// user can enter, because what connects shows a token. Where there is none, or it does not answer, TCP goes on as always.

import { lstatSync, mkdirSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { isLoopback } from "./address.ts";

/** Operating systems take no longer ones. */
const MAX_PATH_BYTES = 100;
/** Sockets that a start looks at, whether anybody still listens there. */
const MAX_LOOKED_AT = 8;

/** Listens beside the server of a port, which is bound to `host` and `port`; null where that cannot be. */
export async function listenLocally(
  host: string,
  port: number,
  accept: (socket: Socket) => void,
): Promise<Server | null> {
  const path = orNull(() => makeRoom(host, port));
  if (path === null) return null;
  const server = createServer({ pauseOnConnect: true }, accept);
  const listens = await new Promise<boolean>((resolve) => {
    server.on("error", () => resolve(false));
    server.listen(path, () => resolve(true));
  });
  return listens ? server : null;
}

/** The socket beside the port at `host` and `port`, when that is on this machine and has one. */
export function localPathOf(host: string, port: number): string | null {
  return orNull(() => {
    const folder = ownFolder();
    if (folder === null || !isHere(host)) return null;
    const named = host === "localhost" ? ["127.0.0.1", "::1"] : [host];
    const paths = [...named, "0.0.0.0", "::"].map((bound) => join(folder, nameOf(bound, port)));
    return paths.find((path) => isOwn(path, "isSocket")) ?? null;
  });
}

/** TCP does without what the system refuses here. */
function orNull<T>(find: () => T | null): T | null {
  try {
    return find();
  } catch {
    return null;
  }
}

function makeRoom(host: string, port: number): string | null {
  const user = process.getuid?.();
  if (user === undefined) return null;
  mkdirSync(folderOf(user), { recursive: true, mode: 0o700 });
  const folder = ownFolder();
  if (folder === null) return null;
  const path = join(folder, nameOf(host, port));
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return null;
  rmSync(path, { force: true }); // who had the port before is gone
  removeDead(folder);
  return path;
}

function folderOf(user: number): string {
  return join(tmpdir(), `taskflock-${user}`);
}

/** Null where the system has no users, or where the folder is not what it should be. */
function ownFolder(): string | null {
  const user = process.getuid?.();
  if (user === undefined) return null;
  return isOwn(folderOf(user), "isDirectory") ? folderOf(user) : null;
}

/** Of this user, and a folder is closed to all others. */
function isOwn(path: string, kind: "isDirectory" | "isSocket"): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || !found[kind]() || found.uid !== process.getuid?.()) return false;
  return kind === "isSocket" || (found.mode & 0o077) === 0;
}

/** A port has an owner for each address and network; containers may share the folder and not the network. */
function nameOf(host: string, port: number): string {
  return `${network()}-${host}-${port}`;
}

function network(): string {
  try {
    return readlinkSync("/proc/self/ns/net").replace(/\D/g, "");
  } catch {
    return "0";
  }
}

function isHere(host: string): boolean {
  if (isLoopback(host)) return true;
  return Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === host));
}

/** Removes some of what killed processes left: each start does its part. */
function removeDead(folder: string): void {
  const names = readdirSync(folder).filter((name) => name.startsWith(`${network()}-`));
  const first = Math.floor(Math.random() * Math.max(1, names.length - MAX_LOOKED_AT));
  for (const name of names.slice(first, first + MAX_LOOKED_AT)) {
    const path = join(folder, name);
    const socket = connect(path, () => socket.destroy());
    socket.unref().on("error", (error: Error & { code?: string }) => {
      if (error.code === "ECONNREFUSED") rmSync(path, { force: true });
    });
  }
}
