// What `taskflock user` does to the file of users, and refuses to.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { addUser, changePassword, changeRole, listUsers, removeUser } from "../src/users.ts";

let folder: string;
let usersFile: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "taskflock-user-"));
  usersFile = join(folder, "users");
});
afterEach(() => rmSync(folder, { recursive: true }));

const listed = (): { name: string; role: string }[] => JSON.parse(listUsers(true, { usersFile })[0] ?? "");
const coded = (code: string, message: RegExp): object =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

test("adds, lists, changes and removes; a generated token is shown once, or left in a file", async () => {
  const token = await addUser("ann", "submitter", { usersFile, generate: true });
  expect(token).toMatch(/^ann:[\w-]{32}$/);
  const tokenFile = join(folder, "token");
  expect(await addUser("bob", "viewer", { usersFile, generate: true, tokenFile })).toBeNull();
  expect(readFileSync(tokenFile, "utf8")).toMatch(/^bob:[\w-]{32}\n$/);
  if (process.platform !== "win32") expect(statSync(tokenFile).mode & 0o777).toBe(0o600);
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, "  a-password-of-one's-own\n");
  const ofCyd = join(folder, "token-of-cyd");
  expect(await addUser("cyd", "worker", { usersFile, generate: false, passwordFile, tokenFile: ofCyd })).toBeNull();
  expect(readFileSync(ofCyd, "utf8")).toBe("cyd:a-password-of-one's-own\n");
  expect(await changePassword("cyd", { usersFile, generate: true, tokenFile: ofCyd })).toBeNull();
  expect(readFileSync(ofCyd, "utf8")).toMatch(/^cyd:[\w-]{32}\n$/);
  expect(listed()).toMatchObject([
    { name: "ann", role: "submitter" },
    { name: "bob", role: "viewer" },
    { name: "cyd", role: "worker" },
  ]);
  expect(listUsers(false, { usersFile })[1]).toMatch(/^ann {3}submitter {2}\d{4}-/);
  changeRole("ann", "admin", { usersFile });
  expect(await changePassword("ann", { usersFile, generate: true })).not.toBe(token);
  removeUser("bob", { usersFile });
  expect(listed()).toMatchObject([{ name: "ann", role: "admin" }, { name: "cyd" }]);
  for (const secret of [token ?? "", "own"]) expect(JSON.stringify(listed())).not.toContain(secret.split(":").at(-1));
});

test("leaves no token where something else lies, and adds nobody then", async () => {
  const tokenFile = join(folder, "token");
  await addUser("ann", "worker", { usersFile, generate: true, tokenFile });
  const held = readFileSync(tokenFile, "utf8");
  const before = readFileSync(usersFile, "utf8");
  for (const [file, why] of [
    [tokenFile, /holds something else than a token of bob/],
    [folder, /is no file/],
  ] as const) {
    const added = addUser("bob", "worker", { usersFile, generate: true, tokenFile: file });
    await expect(added).rejects.toEqual(coded("FLOCK_OPTION_INVALID", why));
  }
  expect(readFileSync(tokenFile, "utf8")).toBe(held);
  expect(readFileSync(usersFile, "utf8")).toBe(before);
  expect(() => listUsers(false, { usersFile: join(folder, "none") })).toThrow(/is not there; `taskflock user add`/);
});

test("refuses what makes no sense, and changes nothing then", async () => {
  const generate = { usersFile, generate: true };
  await addUser("ann", "submitter", generate);
  const before = readFileSync(usersFile, "utf8");
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, "too short");
  const asked = { usersFile, generate: false };
  await expect(addUser("ann", "admin", generate)).rejects.toEqual(
    coded("FLOCK_OPTION_INVALID", /a user ann .* already/),
  );
  await expect(addUser("a:b", "admin", generate)).rejects.toEqual(coded("FLOCK_OPTION_INVALID", /no user's name/));
  await expect(addUser("bob", "admin", { ...asked, passwordFile })).rejects.toEqual(
    coded("FLOCK_OPTION_INVALID", /without spaces/),
  );
  await expect(addUser("bob", "admin", { ...asked, passwordFile: join(folder, "none") })).rejects.toEqual(
    coded("FLOCK_OPTION_INVALID", /cannot be read/),
  );
  await expect(addUser("bob", "admin", { ...generate, passwordFile })).rejects.toEqual(
    coded("FLOCK_OPTION_INVALID", /give one of them/),
  );
  await expect(changePassword("bob", generate)).rejects.toEqual(coded("FLOCK_USER_UNKNOWN", /no user bob/));
  expect(() => changeRole("bob", "admin", { usersFile })).toThrow(coded("FLOCK_USER_UNKNOWN", /no user bob/));
  expect(() => removeUser("bob", { usersFile })).toThrow(coded("FLOCK_USER_UNKNOWN", /no user bob/));
  expect(readFileSync(usersFile, "utf8")).toBe(before);
});

test("two commands at once: the second waits for the first, and for nobody who was killed", async () => {
  await addUser("ann", "submitter", { usersFile, generate: true });
  const lock = `${usersFile}.lock`;
  writeFileSync(lock, "");
  // While it waits, the other one adds cyd, and is done.
  const wait = vi.spyOn(Atomics, "wait").mockImplementation(() => {
    const { users, ...rest } = JSON.parse(readFileSync(usersFile, "utf8"));
    writeFileSync(usersFile, JSON.stringify({ ...rest, users: [...users, { ...users[0], name: "cyd" }] }));
    rmSync(lock);
    return "timed-out";
  });
  changeRole("ann", "viewer", { usersFile });
  expect(wait).toHaveBeenCalledOnce();
  wait.mockRestore();
  expect(listed()).toMatchObject([
    { name: "ann", role: "viewer" },
    { name: "cyd", role: "submitter" },
  ]);
  writeFileSync(lock, "");
  utimesSync(lock, 0, 0);
  removeUser("ann", { usersFile });
  expect([listed().map(({ name }) => name), existsSync(lock)]).toEqual([["cyd"], false]);
});

test("the users file and the token file change both, or neither", async () => {
  await addUser("ann", "submitter", { usersFile, generate: true });
  const before = readFileSync(usersFile, "utf8");
  // A file stands where the token's folder would be.
  const source = { usersFile, generate: true, tokenFile: join(usersFile, "token") };
  const refused = coded("FLOCK_OPTION_INVALID", /token file .* cannot be written: .*nothing was changed/);
  await expect(addUser("bob", "viewer", source)).rejects.toEqual(refused);
  await expect(changePassword("ann", source)).rejects.toEqual(refused);
  expect(readFileSync(usersFile, "utf8")).toBe(before);
  // The users file's draft cannot be written.
  mkdirSync(`${usersFile}.${process.pid}`);
  const tokenFile = join(folder, "token");
  const unwritten = coded("FLOCK_USERS_INVALID", /cannot be written/);
  await expect(addUser("bob", "viewer", { ...source, tokenFile })).rejects.toEqual(unwritten);
  expect(existsSync(tokenFile)).toBe(false);
  writeFileSync(tokenFile, "ann:the-old-password\n", { mode: 0o600 });
  await expect(changePassword("ann", { ...source, tokenFile })).rejects.toEqual(unwritten);
  expect(readFileSync(tokenFile, "utf8")).toBe("ann:the-old-password\n");
  expect(existsSync(`${usersFile}.lock`)).toBe(false);
});
