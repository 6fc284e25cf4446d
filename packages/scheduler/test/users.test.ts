// The users file, and who is behind a token: with passwords that cost little.

import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FlockError, type Identity, MAX_WRONG, networkOf, type Role, WINDOW_MS } from "@taskflock/protocol";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkPassword, isPassword, keepPassword } from "../src/users/passwords.ts";
import { UsersAuthenticator } from "../src/users/users-authenticator.ts";
import { checkName, openness, readUsers, readUsersIfAny, type User, writeUsers } from "../src/users/users-file.ts";
import { Verifications } from "../src/users/verifications.ts";

const cheap = { N: 1024, r: 1, p: 1 };
const TOKEN = "the-cluster-token";
const logged: string[] = [];
let onLog = (_line: string): void => undefined;
const write = (line: string): void => {
  logged.push(line);
  onLog(line);
};
const logger = pino({ level: "warn" }, { write });

let folder: string;
let file: string;
const open: UsersAuthenticator[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "taskflock-users-"));
  file = join(folder, "users");
});
afterEach(() => {
  for (const one of open.splice(0)) one.close();
  onLog = () => undefined;
  rmSync(folder, { recursive: true });
});

async function user(name: string, role: Role = "submitter", password = `password-of-${name}`): Promise<User> {
  return { name, role, created: "2026-11-22T00:00:00.000Z", scrypt: await keepPassword(password, cheap) };
}

async function codeOf(asked: Identity | Promise<Identity> | (() => Identity | Promise<Identity>)): Promise<string> {
  try {
    await (typeof asked === "function" ? asked() : asked);
    return "in";
  } catch (error) {
    return (error as FlockError).code;
  }
}

describe("the users file", () => {
  test("is written as a whole, mode 0600, sorted by name, and read again", async () => {
    expect(readUsersIfAny(file)).toEqual([]);
    const [bob, ann] = [await user("bob"), await user("ann", "admin")];
    writeUsers(file, [bob, ann]);
    expect(readUsers(file)).toEqual([ann, bob]);
    expect(readdirSync(folder)).toEqual(["users"]);
    expect(readFileSync(file, "utf8")).not.toContain("password-of");
    if (process.platform === "win32") return;
    expect(statSync(file).mode & 0o777).toBe(0o600);
    chmodSync(file, 0o640);
    expect(openness(file)).toContain("mode 0640");
    chmodSync(file, 0o620);
    expect(() => openness(file)).toThrow("can be written by others");
    writeUsers(file, [ann]);
    expect([statSync(file).mode & 0o777, openness(file)]).toEqual([0o600, null]);
  });

  test("that is damaged, or would stall or protect nothing, is refused with what is wrong", async () => {
    const ann = await user("ann");
    const cases: [unknown, RegExp][] = [
      ["{", /is no JSON/],
      [{ version: 2, users: [] }, /has the version 2/],
      [null, /has the version undefined/],
      [{ version: 1, users: {} }, /has no list/],
      [{ version: 1, users: [ann, ann] }, /names ann twice/],
      [{ version: 1, users: [{ ...ann, name: "a:b" }] }, /user 1/],
      [{ version: 1, users: [ann, { ...ann, name: "bob", role: "king" }] }, /user 2/],
      [{ version: 1, users: [{ ...ann, scrypt: { ...ann.scrypt, N: 2 ** 30 } }] }, /user 1/],
      [{ version: 1, users: [{ ...ann, scrypt: { ...ann.scrypt, N: 1_025 } }] }, /user 1/],
      [{ version: 1, users: [{ ...ann, scrypt: { ...ann.scrypt, N: 2 } }] }, /user 1/],
      [{ version: 1, users: [{ ...ann, scrypt: { ...ann.scrypt, salt: "" } }] }, /user 1/],
      [{ version: 1, users: [{ ...ann, scrypt: { ...ann.scrypt, hash: "AAAA" } }] }, /user 1/],
      [{ version: 1, users: [null] }, /user 1/],
    ];
    for (const [content, why] of cases) {
      writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
      expect(() => readUsers(file)).toThrow(why);
    }
    rmSync(file);
    expect(() => readUsers(file)).toThrow(/is not there; `taskflock user add` makes it/);
    expect(() => writeUsers(join(folder, "none", "users"), [])).toThrow(/cannot be written/);
  });

  test("names and passwords are such that a token can hold them", () => {
    for (const name of ["ann", "a.b-c_d@e", "7", "A".repeat(64)]) checkName(name);
    for (const name of ["", "a:b", "a b", "-a", ".", "ä", "a/b", "A".repeat(65)])
      expect(() => checkName(name)).toThrow();
    for (const password of ["123456789012", "a:b:c:d:e:f:g", "x".repeat(256)]) checkPassword(password);
    for (const password of ["short", "with a space in it", "with-ümlauts-in-it", "x".repeat(257)]) {
      expect(() => checkPassword(password)).toThrow();
    }
  });

  test("has each password with a salt of its own", async () => {
    const [one, two] = [await keepPassword("the same password", cheap), await keepPassword("the same password", cheap)];
    expect(one.hash).not.toBe(two.hash);
    expect(await isPassword("the same password", one)).toBe(true);
    expect(await isPassword("the same password", two)).toBe(true);
    expect(await isPassword("another password", one)).toBe(false);
    expect((await keepPassword("costly enough")).N).toBe(2 ** 15);
  });
});

describe("who is behind a token", () => {
  let now = 0;
  const authenticator = (): UsersAuthenticator => {
    const one = new UsersAuthenticator({ file, token: TOKEN, logger, everyMs: 20, now: () => now });
    open.push(one);
    return one;
  };

  test("the cluster's own token at once, a user's after a check, and then at once, too", async () => {
    writeUsers(file, [await user("ann"), await user("vic", "viewer", "with:a:colon:in:it")]);
    const who = authenticator();
    expect(who.identify(TOKEN, "10.0.0.1:5")).toEqual({ user: "", role: "admin" });
    const first = who.identify("ann:password-of-ann", "10.0.0.1:5");
    expect(first).toBeInstanceOf(Promise);
    expect(await first).toEqual({ user: "ann", role: "submitter" });
    expect(who.identify("ann:password-of-ann", "10.0.0.2:6")).toEqual({ user: "ann", role: "submitter" });
    expect(await who.identify("vic:with:a:colon:in:it", "10.0.0.1:5")).toEqual({ user: "vic", role: "viewer" });
    for (const wrong of [
      "ann:password-of-vic",
      "ann:",
      ":",
      "ann",
      "",
      "bob:password-of-ann",
      "Ann:password-of-ann",
      `${TOKEN}:`,
    ]) {
      expect([wrong, await codeOf(() => who.identify(wrong, "10.0.0.3:7"))]).toEqual([wrong, "FLOCK_UNAUTHORIZED"]);
    }
  });

  test("who guesses must wait: for the name there, and for all names after very many; nobody elsewhere", async () => {
    writeUsers(file, [await user("ann"), await user("bob")]);
    const who = authenticator();
    const guess = (token: string, from: string): Promise<string> => codeOf(() => who.identify(token, from));
    for (let n = 0; n < MAX_WRONG; n++)
      expect(await guess(`ann:guess-${n}`, `10.0.0.1:${n}`)).toBe("FLOCK_UNAUTHORIZED");
    // The right one, too: else it could be guessed on.
    expect(await guess("ann:password-of-ann", "10.0.0.1:99")).toBe("FLOCK_TRY_LATER");
    expect(await guess("bob:password-of-bob", "10.0.0.1:99")).toBe("in");
    expect(await guess("ann:password-of-ann", "10.0.0.2:1")).toBe("in");
    // Also when it is remembered from elsewhere.
    expect(await guess("ann:password-of-ann", "10.0.0.1:99")).toBe("FLOCK_TRY_LATER");
    now += WINDOW_MS;
    expect(await guess("ann:password-of-ann", "10.0.0.1:99")).toBe("in");
    for (let n = 0; n < 100; n++) await guess(`name-${n}:guess`, "10.0.0.3:1");
    expect(await guess("bob:password-of-bob", "10.0.0.3:1")).toBe("FLOCK_TRY_LATER");
    expect(await guess(TOKEN, "10.0.0.3:1")).toBe("in");
    expect(await guess("bob:password-of-bob", "10.0.0.4:1")).toBe("in");
  });

  test("who was in before from an address is let in there again, whoever guesses beside them", async () => {
    writeUsers(file, [await user("ann"), await user("bob")]);
    const who = authenticator();
    const guess = (token: string, from: string): Promise<string> => codeOf(() => who.identify(token, from));
    expect(await guess("ann:password-of-ann", "10.0.0.1:1")).toBe("in");
    for (let n = 0; n < MAX_WRONG; n++) await guess(`ann:guess-${n}`, "10.0.0.1:2");
    for (let n = 0; n < 100; n++) await guess(`name-${n}:guess`, "10.0.0.1:2");
    expect(await guess("ann:another-guess", "10.0.0.1:2")).toBe("FLOCK_TRY_LATER");
    expect(await guess("bob:password-of-bob", "10.0.0.1:3")).toBe("FLOCK_TRY_LATER");
    expect(who.identify("ann:password-of-ann", "10.0.0.1:4")).toEqual({ user: "ann", role: "submitter" });
    writeUsers(file, [await user("ann", "submitter", "another-password")]);
    await new Promise((resolve) => who.onRevoked(resolve));
    expect(await guess("ann:password-of-ann", "10.0.0.1:4")).toBe("FLOCK_TRY_LATER");
  });

  test("a check that fails says nothing of the password: it is logged, and who asks is to try again", async () => {
    const ann = await user("ann");
    // So many blocks of so few bytes scrypt does not make.
    writeUsers(file, [{ ...ann, scrypt: { ...ann.scrypt, N: 2 ** 16, r: 1 } }]);
    const who = authenticator();
    expect(await codeOf(() => who.identify("ann:password-of-ann", "10.0.0.1:1"))).toBe("FLOCK_TRY_LATER");
    expect(logged.at(-1)).toContain("a password could not be checked");
    expect(logged.at(-1)).toContain("scrypt");
  });

  test.skipIf(process.platform === "win32")(
    "a change between the first reading and the first look is noticed",
    async () => {
      const [ann, bob] = [await user("ann"), await user("bob")];
      writeUsers(file, [ann, bob]);
      chmodSync(file, 0o644); // of which is warned right after it was read
      onLog = () => {
        onLog = () => undefined;
        writeUsers(file, [ann]);
      };
      const who = authenticator();
      expect(readUsers(file)).toEqual([ann]);
      await expect.poll(() => who.has("bob")).toBe(false);
      expect(who.has("ann")).toBe(true);
    },
  );

  test("of IPv6 a network counts as one address: whoever has one has 2^64", async () => {
    writeUsers(file, [await user("ann")]);
    const who = authenticator();
    const guess = (token: string, from: string): Promise<string> => codeOf(() => who.identify(token, from));
    for (let n = 1; n <= MAX_WRONG; n++)
      expect(await guess(`ann:guess-${n}`, `2001:db8::7:0:0:${n}:5`)).toBe("FLOCK_UNAUTHORIZED");
    expect(await guess("ann:password-of-ann", "2001:db8:0:0:ffff::1:5")).toBe("FLOCK_TRY_LATER");
    expect(await guess("ann:password-of-ann", "2001:db8:0:1::1:5")).toBe("in");
    expect(await guess("ann:password-of-ann", "::1:5")).toBe("in");
    const networks = ["10.0.0.1", "::ffff:10.0.0.1", "::1", "::", "fe80::1", "1:2:3:4:5:6:7:8", "this machine"];
    expect(networks.map(networkOf)).toEqual([
      ...["10.0.0.1", "10.0.0.1", "0:0:0:0::/64", "0:0:0:0::/64", "fe80:0:0:0::/64", "1:2:3:4::/64", "this machine"],
    ]);
  });

  test("strangers who guess all at once are refused, and somebody with the right password is served meanwhile", async () => {
    writeUsers(file, [await user("ann")]);
    const who = authenticator();
    const guesses = Array.from({ length: 500 }, (_, n) =>
      codeOf(() => who.identify(`ann:guess-${n}`, `10.1.0.1:${n}`)),
    );
    const served = codeOf(() => who.identify("ann:password-of-ann", "10.0.0.2:1"));
    expect(await served).toBe("in");
    const codes = await Promise.all(guesses);
    expect(codes.filter((code) => code === "FLOCK_UNAUTHORIZED").length).toBeLessThanOrEqual(MAX_WRONG);
    expect(new Set(codes)).toEqual(new Set(["FLOCK_UNAUTHORIZED", "FLOCK_TRY_LATER"]));
  });

  test("is read anew: who is gone, or has another role or password, is said; the others are not touched", async () => {
    const [ann, bob, cyd] = [await user("ann"), await user("bob"), await user("cyd")];
    writeUsers(file, [ann, bob, cyd]);
    const who = authenticator();
    for (const { name } of [ann, bob, cyd]) await who.identify(`${name}:password-of-${name}`, "10.0.0.1:1");
    const revoked: string[] = [];
    const said = (count: number): Promise<void> => expect.poll(() => revoked.length).toBe(count) as Promise<void>;
    const unlisten = who.onRevoked((users) => revoked.push(...users));
    writeUsers(file, [{ ...ann, role: "viewer" }, bob]);
    await said(2);
    expect(revoked.sort()).toEqual(["ann", "cyd"]);
    expect(await who.identify("ann:password-of-ann", "10.0.0.1:1")).toEqual({ user: "ann", role: "viewer" });
    expect(await codeOf(who.identify("cyd:password-of-cyd", "10.0.0.1:1"))).toBe("FLOCK_UNAUTHORIZED");
    expect(who.identify("bob:password-of-bob", "10.0.0.1:1")).toEqual({ user: "bob", role: "submitter" });
    // What cannot be read changes nothing.
    writeFileSync(file, "{ half a fi");
    await expect.poll(() => logged.some((line) => line.includes("the users stay as they were"))).toBe(true);
    expect(await who.identify("ann:password-of-ann", "10.0.0.1:1")).toEqual({ user: "ann", role: "viewer" });
    writeUsers(file, [await user("bob", "submitter", "another-password")]);
    await said(4);
    expect(revoked.slice(2).sort()).toEqual(["ann", "bob"]);
    expect(await codeOf(who.identify("bob:password-of-bob", "10.0.0.1:1"))).toBe("FLOCK_UNAUTHORIZED");
    expect(await codeOf(who.identify("bob:another-password", "10.0.0.1:1"))).toBe("in");
    unlisten();
    writeUsers(file, []);
    await expect
      .poll(() => codeOf(() => who.identify("bob:another-password", "10.0.0.1:1")))
      .toBe("FLOCK_UNAUTHORIZED");
    expect(revoked).toHaveLength(4);
  });

  test("an old password that was still being checked when it was changed lets nobody in afterwards", async () => {
    const costly = await keepPassword("the-old-password", { N: 2 ** 15, r: 8, p: 4 });
    writeUsers(file, [{ ...(await user("ann")), scrypt: costly }]);
    const who = authenticator();
    const before = codeOf(() => who.identify("ann:the-old-password", "10.0.0.1:1"));
    const changed = new Promise((resolve) => who.onRevoked(resolve));
    writeUsers(file, [await user("ann", "submitter", "the-new-password")]);
    await changed;
    expect(await codeOf(() => who.identify("ann:the-old-password", "10.0.0.1:1"))).toBe("FLOCK_UNAUTHORIZED");
    expect(await before).toBe("FLOCK_UNAUTHORIZED");
    expect(await codeOf(() => who.identify("ann:the-new-password", "10.0.0.1:1"))).toBe("in");
  });

  test("a file that cannot be used is said at the start", () => {
    expect(authenticator).toThrow(expect.objectContaining({ code: "FLOCK_USERS_INVALID" }));
  });
});

describe("passwords that are being checked", () => {
  test("are two at a time, sixteen wait, four of one address; the same one is checked once", async () => {
    const checks = new Verifications();
    const ends: (() => void)[] = [];
    let running = 0;
    const verify = async (): Promise<boolean> => {
      running++;
      await new Promise<void>((resolve) => ends.push(resolve));
      running--;
      return true;
    };
    const begun: Promise<boolean>[] = [];
    for (let n = 0; n < 18; n++) begun.push(checks.check(`what-${n}`, `address-${n >> 2}`, verify));
    const same = checks.check("what-0", "address-0", verify);
    await expect(checks.check("more", "address-9", verify)).rejects.toMatchObject({ code: "FLOCK_TRY_LATER" });
    await expect(checks.check("more", "address-0", verify)).rejects.toThrow("from address-0");
    let most = 0;
    for (let n = 0; n < 18; n++) {
      await expect.poll(() => ends.length).toBeGreaterThan(0);
      most = Math.max(most, running);
      ends.shift()?.();
    }
    expect(await Promise.all([...begun, same])).toEqual(Array(19).fill(true));
    expect(most).toBe(2);
    const after = checks.check("more", "address-0", async () => false);
    expect(await after).toBe(false);
    await expect(checks.check("broken", "address-0", () => Promise.reject(new Error("out of memory")))).rejects.toThrow(
      "memory",
    );
    expect(await checks.check("broken", "address-0", async () => true)).toBe(true);
  });
});
