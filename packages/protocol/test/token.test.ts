import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { parseAddress, readToken, tokenFileFor, tokensEqual, writeToken } from "../src/index.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "taskflock-token-"));
  vi.stubEnv("XDG_STATE_HOME", folder);
  vi.stubEnv("TASKFLOCK_TOKEN", undefined);
  vi.stubEnv("TASKFLOCK_TOKEN_FILE", undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const address = "localhost:9123";

describe("tokens", () => {
  test("are left in a file that its owner alone can read, and found there", () => {
    const file = tokenFileFor(9123);
    expect(file.startsWith(folder)).toBe(true);
    const token = writeToken(file);
    expect(token.length).toBeGreaterThanOrEqual(32);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(file, "..")).mode & 0o777).toBe(0o700);
    expect(readToken({ address })).toBe(token);
    expect(readFileSync(file, "utf8").trim()).toBe(token);
  });

  test("replace an older one, whatever its mode was", () => {
    const file = tokenFileFor(9123);
    const first = writeToken(file);
    chmodSync(file, 0o644);
    expect(writeToken(file)).not.toBe(first);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test("come from the option, its file, the environment, its file, in this order", () => {
    writeToken(tokenFileFor(9123));
    const file = join(folder, "a");
    const other = join(folder, "b");
    writeFileSync(file, " from the file \n");
    writeFileSync(other, "from the environment's file");
    vi.stubEnv("TASKFLOCK_TOKEN_FILE", other);
    expect(readToken({ address })).toBe("from the environment's file");
    vi.stubEnv("TASKFLOCK_TOKEN", "from the environment");
    expect(readToken({ address })).toBe("from the environment");
    expect(readToken({ address, tokenFile: file })).toBe("from the file");
    expect(readToken({ address, tokenFile: file, token: "given" })).toBe("given");
  });

  test("that are absent are told with where they were looked for", () => {
    expect(() => readToken({ address })).toThrow(/No scheduler has left a token.*token-9123/);
    expect(() => readToken({ address, tokenFile: join(folder, "none") })).toThrow(/none/);
    writeFileSync(join(folder, "empty"), "\n");
    expect(() => readToken({ address, tokenFile: join(folder, "empty") })).toThrow(/0 characters/);
  });

  test("of this machine's scheduler are not given to another machine", () => {
    writeToken(tokenFileFor(9123));
    expect(() => readToken({ address: "example.org:9123" })).toThrow(/No token was given for example\.org:9123/);
  });

  test("are compared", () => {
    expect(tokensEqual("abc", "abc")).toBe(true);
    expect(tokensEqual("abc", "abd")).toBe(false);
    expect(tokensEqual("abc", "abcd")).toBe(false);
    expect(tokensEqual("", "a")).toBe(false);
  });
});

describe("addresses", () => {
  test.each([
    ["host:8786", "ws://host:8786/", "host", 8786],
    ["host", "ws://host:8786/", "host", 8786],
    ["ws://10.0.0.1:99", "ws://10.0.0.1:99/", "10.0.0.1", 99],
    ["wss://flock.example/", "wss://flock.example:8786/", "flock.example", 8786],
    ["[::1]:8786", "ws://[::1]:8786/", "::1", 8786],
    [" localhost:1 ", "ws://localhost:1/", "localhost", 1],
  ])("%s", (text, url, host, port) => {
    expect(parseAddress(text)).toEqual({ url, host, port });
  });

  test.each(["", "http://x:1", "x:0", "x:70000", "x:y", "::1:8786", "a b:1", "x:1/path", "user@x:1", "ws://"])(
    "%j is refused",
    (text) => {
      expect(() => parseAddress(text)).toThrow(/FLOCK|address/i);
    },
  );
});
