import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  chooseContext,
  currentContextName,
  findPlace,
  listContexts,
  readContext,
  removeContext,
  saveContext,
} from "../src/index.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "taskflock-context-"));
  vi.stubEnv("XDG_STATE_HOME", folder);
  vi.stubEnv("TASKFLOCK_ADDRESS", undefined);
  vi.stubEnv("TASKFLOCK_CONTEXT", undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const digits = {
  address: "203.0.113.7:8786",
  tokenFile: "/state/token",
  caFile: "/state/ca.pem",
  dashboard: "https://203.0.113.7:8787/status",
};

describe("connection contexts", () => {
  test("are saved for their owner alone, listed, read, chosen and forgotten", () => {
    expect(listContexts()).toEqual([]);
    expect(currentContextName()).toBeNull();
    saveContext("digits", digits);
    saveContext("a.b-c_1", { address: "host" });
    expect(listContexts()).toEqual(["a.b-c_1", "digits"]);
    expect(readContext("digits")).toEqual({ name: "digits", ...digits });
    const files = join(folder, "taskflock/contexts");
    expect(readdirSync(files).sort()).toEqual(["a.b-c_1.json", "digits.json"]); // no draft is left
    expect(statSync(join(files, "digits.json")).mode & 0o777).toBe(0o600);
    expect(statSync(files).mode & 0o777).toBe(0o700);
    chooseContext("digits");
    expect(currentContextName()).toBe("digits");
    expect(removeContext("digits")).toBe(true);
    expect(currentContextName()).toBeNull();
    expect(removeContext("digits")).toBe(false);
  });

  test("say where a cluster is: what is said, TASKFLOCK_ADDRESS, the current one, this machine", () => {
    expect(findPlace()).toEqual({ address: "127.0.0.1:8786" });
    saveContext("digits", digits);
    saveContext("other", { address: "other:1" });
    chooseContext("digits");
    expect(findPlace()).toEqual({ name: "digits", ...digits });
    expect(findPlace({ context: "other" })).toEqual({ name: "other", address: "other:1" });
    vi.stubEnv("TASKFLOCK_CONTEXT", "other");
    expect(findPlace()).toEqual({ name: "other", address: "other:1" });
    // The context's token is for its own address alone.
    vi.stubEnv("TASKFLOCK_ADDRESS", "variable:2");
    expect(findPlace({})).toEqual({ address: "variable:2" });
    expect(findPlace({ address: "said:3" })).toEqual({ address: "said:3" });
    vi.stubEnv("TASKFLOCK_ADDRESS", undefined);
    vi.stubEnv("TASKFLOCK_CONTEXT", undefined);
    chooseContext(null);
    expect(findPlace()).toEqual({ address: "127.0.0.1:8786" });
  });

  test("refuse names and files that cannot be used, and say which there are", () => {
    saveContext("digits", digits);
    const code = (problem: string) => expect.objectContaining({ code: `FLOCK_CONTEXT_${problem}` });
    for (const name of ["", "../x", "a/b", ".hidden", "a".repeat(65)]) {
      expect(() => saveContext(name, digits)).toThrow(code("INVALID"));
      expect(() => readContext(name)).toThrow(code("INVALID"));
    }
    expect(() => readContext("digit")).toThrow(code("UNKNOWN"));
    expect(() => readContext("digit")).toThrow("There are: digits.");
    expect(() => chooseContext("digit")).toThrow(code("UNKNOWN"));
    const file = join(folder, "taskflock/contexts/broken.json");
    for (const [text, why] of [
      ["{", "is not JSON"],
      ["3", "is not an object"],
      ["{}", "has no address"],
      ['{"address": 3}', "its address is not text"],
      ['{"address": "a", "caFile": ""}', "its caFile is not text"],
    ] as const) {
      writeFileSync(file, text);
      expect(() => readContext("broken"), text).toThrow(why);
      expect(() => readContext("broken"), text).toThrow(code("INVALID"));
    }
    expect(() => saveContext("x", { address: "http://a" })).toThrow(
      expect.objectContaining({ code: "FLOCK_ADDRESS_INVALID" }),
    );
  });
});
