import { pino } from "pino";
import { afterEach, describe, expect, it } from "vitest";
import { MetadataService } from "../../../test/system/metadata-service.ts";
import { PlannedStop } from "../src/planned-stop.ts";
import { clockTime, planFor, readEnd, readRebalance, type SpotPlan } from "../src/spot/notices.ts";
import { completeSpot, type SpotOptions } from "../src/spot/options.ts";
import { SpotWatch } from "../src/spot/watch.ts";

const noon = Date.UTC(2026, 5, 1, 12, 0, 0);
const services: MetadataService[] = [];
afterEach(async () => {
  for (const service of services.splice(0)) await service.close();
});

/** A watch whose time goes on when the test says so. */
async function stand(options: SpotOptions = {}) {
  const service = await MetadataService.start();
  services.push(service);
  const said: { plans: SpotPlan[]; rebalances: string[]; logged: string[] } = { plans: [], rebalances: [], logged: [] };
  const time = { now: noon };
  let next: () => void = () => undefined;
  let slept: () => void = () => undefined;
  const watch = new SpotWatch({
    options: completeSpot({ mode: "on", metadataUrl: service.url, ...options }),
    logger: pino({ level: "debug" }, { write: (line: string) => void said.logged.push(JSON.parse(line).msg) }),
    fetch,
    clock: {
      now: () => time.now,
      wait: (ms) =>
        new Promise((resolve) => {
          next = () => {
            time.now += ms;
            resolve();
          };
          slept();
        }),
    },
    ends: (plan) => said.plans.push(plan),
    rebalance: (text) => said.rebalances.push(text),
  });
  const asleep = (): Promise<void> =>
    new Promise((resolve) => {
      slept = resolve;
    });
  return { service, watch, time, asleep, go: () => next(), ...said };
}

describe("what the metadata says", () => {
  it("is read, whatever it is", () => {
    expect(readEnd('{"action": "terminate", "time": "2026-06-01T12:02:00Z"}', noon)).toEqual({
      action: "terminate",
      at: noon + 120_000,
    });
    // No time that can be read: the usual two minutes.
    expect(readEnd('{"action": "hibernate"}', noon)).toEqual({ action: "hibernate", at: noon + 120_000 });
    for (const text of ["", "<h1>200</h1>", "null", "[]", '{"action": "none"}', '{"action": 5}'])
      expect(readEnd(text, noon)).toBeNull();
    expect(readRebalance('{"noticeTime": "2026-06-01T11:59:00Z"}')).toBe("2026-06-01T11:59:00Z");
    expect(readRebalance("{}")).toBeNull();
  });

  it("becomes a plan: gone by a margin before the end, and by half of what is left where that is short", () => {
    const end = { action: "terminate", at: noon + 120_000 };
    expect(planFor(end, noon, 10_000)).toEqual({
      withinMs: 110_000,
      reason: "spot notice, the instance ends at 12:02:00 UTC (terminate)",
      text: "spot notice: the instance ends at 12:02:00 UTC (terminate); the worker retires, and is gone by 12:01:50 UTC",
    });
    expect(planFor(end, noon + 108_000, 10_000).withinMs).toBe(6_000);
    expect(planFor(end, noon + 200_000, 10_000).withinMs).toBe(0);
    expect(clockTime(Number.NaN)).toBe("an unknown time");
  });

  it("is asked as options say; wrong ones are coded errors", () => {
    expect(completeSpot()).toMatchObject({ mode: "off", rebalance: "note", intervalMs: 5_000, marginMs: 10_000 });
    expect(completeSpot({ metadataUrl: "http://[::1]:80/" }).metadataUrl).toBe("http://[::1]:80");
    const wrong = [
      { mode: "yes" },
      { rebalance: "go" },
      { metadataUrl: "file:///x" },
      { marginMs: -1 },
      { intervalMs: 0 },
    ];
    for (const options of wrong)
      expect(() => completeSpot(options as SpotOptions)).toThrow(
        expect.objectContaining({ code: "FLOCK_OPTION_INVALID" }),
      );
  });
});

describe("a watch for spot notices", () => {
  it("asks every interval with one token, is told nothing by 404, and tells of a notice once", async () => {
    const { service, watch, asleep, go, time, plans } = await stand();
    let slept = asleep();
    const running = watch.run();
    await slept;
    const round = ["GET spot/instance-action 404", "GET events/recommendations/rebalance 404"];
    expect(service.asked.splice(0)).toEqual(["PUT token", ...round]);
    for (let n = 0; n < 2; n++) {
      slept = asleep();
      go();
      await slept;
      expect(service.asked.splice(0)).toEqual(round);
    }
    expect(time.now).toBe(noon + 10_000);
    expect(plans).toEqual([]);
    service.notice(noon + 130_000);
    for (let n = 0; n < 2; n++) {
      slept = asleep();
      go();
      await slept;
    }
    expect(plans.map(({ withinMs }) => withinMs)).toEqual([105_000]);
    // Another time is another notice.
    service.notice(noon + 80_000);
    slept = asleep();
    go();
    await slept;
    expect(plans.map(({ withinMs }) => withinMs)).toEqual([105_000, 45_000]);
    watch.close();
    go();
    await running;
  });

  it("gets a new token before the old one is over, and when the service does not know it any more", async () => {
    const { service, watch, time, plans } = await stand();
    await watch.look();
    time.now += 21_600_000 * 0.9;
    await watch.look();
    expect(service.asked.filter((line) => line === "PUT token")).toHaveLength(2);
    expect(service.asked.filter((line) => line.endsWith("401"))).toEqual([]);
    service.forget();
    service.asked.length = 0;
    service.notice(time.now + 120_000);
    await watch.look();
    expect(service.asked.slice(0, 3)).toEqual([
      "GET spot/instance-action 401",
      "PUT token",
      "GET spot/instance-action 200",
    ]);
    expect(plans).toHaveLength(1);
  });

  it("tells of a recommendation to rebalance once, and goes on to look for the end", async () => {
    const { service, watch, time, plans, rebalances } = await stand();
    service.data.set("events/recommendations/rebalance", '{"noticeTime":"2026-06-01T11:59:00Z"}');
    await watch.look();
    await watch.look();
    expect(rebalances).toEqual([
      "rebalance recommendation of 2026-06-01T11:59:00Z: the spot instance may end soon; the worker goes on",
    ]);
    service.notice(time.now + 120_000, "stop");
    await watch.look();
    expect(plans[0]?.reason).toContain("(stop)");
  });

  it("says once that nobody answers, and goes on when somebody does", async () => {
    const { service, watch, plans, logged, time } = await stand();
    const { url } = service;
    await service.close();
    await watch.look();
    await watch.look();
    expect(logged).toEqual([expect.stringContaining("does not answer: spot notices are not seen")]);
    expect(plans).toEqual([]);
    const back = await MetadataService.start(Number(new URL(url).port));
    services.push(back);
    back.notice(time.now + 60_000);
    await watch.look();
    expect(logged[1]).toContain("answers again");
    expect(plans).toHaveLength(1);
  });

  it("by itself watches only where the instance says that it is a spot instance", async () => {
    const onDemand = await stand({ mode: "auto" });
    onDemand.service.data.set("instance-life-cycle", "on-demand");
    await onDemand.watch.run();
    expect(onDemand.service.asked).toEqual(["PUT token", "GET instance-life-cycle 200"]);

    const nowhere = await stand({ mode: "auto" });
    nowhere.service.isSilent = true; // as on a laptop behind a firewall
    await nowhere.watch.run();
    expect(nowhere.logged).toEqual([expect.stringContaining("no instance metadata service answers")]);

    const off = await stand({ mode: "off" });
    await off.watch.run();
    expect(off.service.asked).toEqual([]);

    const spot = await stand({ mode: "auto" });
    spot.service.data.set("instance-life-cycle", "spot");
    const slept = spot.asleep();
    const running = spot.watch.run();
    await slept;
    expect(spot.service.asked).toContain("GET spot/instance-action 404");
    spot.watch.close();
    spot.go();
    await running;
  });
});

describe("a planned stop", () => {
  it("has the earliest of its deadlines", async () => {
    const stop = new PlannedStop();
    const calls: string[] = [];
    const over = new Promise<void>((resolve) => {
      stop.within(60_000, () => calls.push("late"));
      stop.within(1, () => {
        calls.push("early");
        resolve();
      });
      stop.within(30_000, () => calls.push("later"));
    });
    await over;
    expect(calls).toEqual(["early"]);
    stop.clear();
  });
});
