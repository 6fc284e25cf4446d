import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isFlockError, type SessionId } from "@taskflock/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Driver } from "../src/driver.ts";
import { replayRecording } from "../src/index.ts";
import { defaultSchedulerConfig } from "../src/machine/index.ts";
import { RecordingWriter } from "../src/recording.ts";
import { Cleanups, Relay, start, TestClient, TestWorker } from "./shell-fixture.ts";

const cleanups = new Cleanups();
let file = "";
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), "taskflock-recording-"));
  cleanups.add(() => rmSync(folder, { recursive: true }));
  file = join(folder, "incident");
});
afterEach(() => cleanups.run());

/** An incident: tasks end, are released, wait; a worker is lost, a client is cut and comes back. */
async function record(): Promise<void> {
  const scheduler = await start(cleanups, { recordFile: file, workerReconnectMs: 20 });
  const relay = await Relay.start(cleanups, scheduler.port);
  const client = await TestClient.connect(cleanups, relay.address);
  const doomed = await TestWorker.connect(cleanups, relay.address, "doomed", { eager: false, reconnectMs: 0 });
  client.define();
  for (let n = 1; n <= 50; n++) client.submit(n, `x${n}`);
  await doomed.log.has("assign x1");
  doomed.started(0);
  relay.cut();
  await TestWorker.connect(cleanups, scheduler.address, "second");
  relay.heal();
  await client.log.until((entries) => entries.filter((entry) => entry.startsWith("done")).length >= 50);
  for (let n = 1; n <= 20; n++) client.release(n);
  await client.ping(1);
  await scheduler.close();
}

function refusal(): string {
  try {
    replayRecording(file);
  } catch (error) {
    if (isFlockError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "no error";
}

describe("a recording", () => {
  test("steps the machine to the same state, and tells stories", async () => {
    await record();
    const replay = replayRecording(file);
    expect(replay.recordedDigest).not.toBeNull();
    expect(replay.digest).toBe(replay.recordedDigest);
    expect(replay.machine.taskCounts().done).toBe(30);
    expect(replay.steps).toBeGreaterThan(10);
    const [first] = replay.stories("f-1-30");
    expect(first?.lines.at(-1)).toMatchObject({ to: "done" });
  });

  test("that was cut off replays as far as it goes", async () => {
    await record();
    const whole = replayRecording(file).steps;
    const { length } = readFileSync(file);
    let last = whole;
    for (const part of [0.9, 0.5, 0.2]) {
      truncateSync(file, Math.floor(length * part));
      const replay = replayRecording(file);
      expect(replay.recordedDigest).toBeNull();
      expect(replay.steps).toBeLessThanOrEqual(last);
      last = replay.steps;
    }
    expect(last).toBeLessThan(whole);
  });

  test("that is none, or damaged, is refused", async () => {
    expect(refusal()).toMatch(/^FLOCK_RECORDING_INVALID: .*incident/);
    writeFileSync(file, "");
    expect(refusal()).toMatch(/^FLOCK_RECORDING_INVALID/);
    writeFileSync(file, "something else\n");
    expect(refusal()).toMatch(/^FLOCK_RECORDING_INVALID/);
    await record();
    const good = readFileSync(file);
    // A damaged event may be unreadable or may mean nothing to the machine: either way it is said, never thrown raw.
    for (let at = 60; at < Math.min(good.length, 4000); at += 7) {
      const bad = Buffer.from(good);
      bad[at]! ^= 0x55;
      writeFileSync(file, bad);
      try {
        replayRecording(file);
      } catch (error) {
        expect(isFlockError(error), `byte ${at}: ${String(error)}`).toBe(true);
      }
    }
  });

  test("of a machine that failed ends with what made it fail, and no state", () => {
    const recording = new RecordingWriter(file, defaultSchedulerConfig, () => undefined);
    const failures: unknown[] = [];
    const nowhere = { toWorker: () => {}, toClient: () => {}, closeWorker: () => {}, free: () => {} };
    const driver = new Driver(
      defaultSchedulerConfig,
      { ...nowhere, failed: (error) => failures.push(error) },
      recording,
    );
    const session = 1 as SessionId;
    driver.happen({ e: "clientJoined", session, name: "c" });
    driver.happen({ e: "clientMessages", session, messages: null as never });
    driver.happen({ e: "clientCut", session });
    driver.stop();
    expect(failures).toHaveLength(1);
    expect(driver.steps).toBe(2);
    expect(refusal()).toMatch(/^FLOCK_RECORDING_INVALID: .*means nothing/);
  });

  test("cannot be written where it shall go: the scheduler does not start", async () => {
    const promise = start(cleanups, { recordFile: join(file, "no", "folder") });
    await expect(promise).rejects.toMatchObject({ code: "FLOCK_OPTION_INVALID" });
  });
});

test("a recording that can be written no more ends, and the scheduler goes on", async () => {
  execFileSync("mkfifo", [file]);
  const reader = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  const scheduler = await start(cleanups, { recordFile: file });
  const client = await TestClient.connect(cleanups, scheduler.address);
  await client.ping(1);
  closeSync(reader); // the next write fails, as on a disk that is full
  await client.ping(2);
  await client.ping(3);
  await TestWorker.connect(cleanups, scheduler.address, "w");
  client.define();
  client.submit(1, "x");
  await client.log.has("done 1 X");
});
