// Peers of one machine talk over a Unix socket, at half the cost of TCP: bytes pass from process to process, not through a network
// stack. Nobody announces it: its name follows from the peer port, in a folder that only this user can enter, because what
// connects shows a token. Where there is none, or it does not answer, TCP goes on as always.

import { lstatSync, mkdirSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { isLoopback } from "../address.ts";

/** Operating systems take no longer ones. */
const MAX_PATH_BYTES = 100;
const MAX_LOOKED_AT = 8;

/** Listens beside the server of a peer port, which is bound to `host` and `port`; null where that cannot be. */
export async function listenLocally(
  host: string,
  port: number,
  accept: (socket: Socket) => void,
): Promise<Server | null> {
  const folder = ownFolder();
  if (folder === null) return null;
  const path = join(folder, nameOf(host, port));
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return null;
  rmSync(path, { force: true }); // who had the port before is gone
  removeDead(folder);
  const server = createServer({ pauseOnConnect: true }, accept);
  const listens = await new Promise<boolean>((resolve) => {
    server.on("error", () => resolve(false));
    server.listen(path, () => resolve(true));
  });
  return listens ? server : null;
}

/** The socket beside the peer port at `host` and `port`, when that is on this machine and has one. */
export function localPathOf(host: string, port: number): string | null {
  const folder = ownFolder(false);
  if (folder === null || !isHere(host)) return null;
  const named = host === "localhost" ? ["127.0.0.1", "::1"] : [host];
  for (const bound of [...named, "0.0.0.0", "::"]) {
    const path = join(folder, nameOf(bound, port));
    if (isOwn(path, "isSocket")) return path;
  }
  return null;
}

/** Null where the system has no users, or where the folder is not what it should be. */
function ownFolder(make = true): string | null {
  const user = process.getuid?.();
  if (user === undefined) return null;
  const folder = join(tmpdir(), `taskflock-${user}`);
  try {
    if (make) mkdirSync(folder, { recursive: true, mode: 0o700 });
    return isOwn(folder, "isDirectory") ? folder : null;
  } catch {
    return null;
  }
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
