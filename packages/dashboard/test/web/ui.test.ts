// What views share: figures as people read them, colours, orders of tables, addresses.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findPage, href, matchPath } from "../../web/frame/routes.ts";
import { colourOf, contrast, palette, textOn } from "../../web/ui/colours.ts";
import * as format from "../../web/ui/format.ts";
import { nextOrder, sorted, windowOf } from "../../web/ui/table-model.ts";

describe("figures", () => {
  it("of the time left are none where nothing is to do", () => {
    expect([format.timeLeft(0), format.timeLeft(null), format.timeLeft(undefined)]).toEqual(["–", "–", "–"]);
    expect(format.timeLeft(1.5)).toBe("1.50 s");
  });

  it.each([
    [0, "0 µs"],
    [999, "999 µs"],
    [999.6, "1.00 ms"],
    [1234, "1.23 ms"],
    [999_499, "999 ms"],
    [999_600, "1.00 s"],
    [59_940_000, "59.9 s"],
    [59_960_000, "1 min"],
    [61_000_000, "1 min 1 s"],
    [3_599_600_000, "1 h"],
    [5_400_000_000, "1 h 30 min"],
    [86_399_000_000, "1 d"],
    [1_040_400_000_000, "12 d 1 h"],
    [-1500, "−1.50 ms"],
  ])("duration of %d µs: %s", (us, text) => expect(format.duration(us)).toBe(text));

  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "0.977 KiB"],
    [1536, "1.50 KiB"],
    [1024 ** 2 - 1, "1.00 MiB"],
    [5.5 * 1024 ** 3, "5.50 GiB"],
    [3000 * 1024 ** 5, "3000 PiB"],
  ])("%d bytes: %s", (bytes, text) => expect(format.bytes(bytes)).toBe(text));

  it.each([
    [0, "0"],
    [12, "12"],
    [0.5, "0.5"],
    [999, "999"],
    [1234, "1.23 k"],
    [999_999, "1.00 M"],
    [12_345_678, "12.3 M"],
    [2e15, "2000 T"],
  ])("%d in short: %s", (value, text) => expect(format.short(value)).toBe(text));

  it("shares never say all or nothing when it is not", () => {
    const texts = [0, 0.0001, 0.5, 0.9999, 1].map(format.percent);
    expect(texts).toEqual(["0 %", "< 1 %", "50 %", "99 %", "100 %"]);
  });

  it("counts, rates and what is not known", () => {
    expect(format.count(1, "task")).toBe("1 task");
    expect(format.count(1200, "task")).toBe("1,200 tasks");
    expect(format.count(2, "process", "processes")).toBe("2 processes");
    expect(format.rate(1234, "tasks")).toBe("1.23 k tasks/s");
    expect(format.byteRate(2048)).toBe("2.00 KiB/s");
    for (const unknown of [null, undefined, Number.NaN]) {
      const all = [
        format.number,
        format.short,
        format.bytes,
        format.duration,
        format.percent,
        format.time,
        format.rate,
      ];
      for (const say of all) expect(say(unknown)).toBe(format.UNKNOWN);
    }
  });

  it("times are in the reader's zone", () => {
    const ms = Date.UTC(2026, 10, 22, 23, 5, 7, 42);
    expect(format.time(ms, false, "UTC")).toBe("23:05:07");
    expect(format.time(ms, true, "Europe/Berlin")).toBe("00:05:07.042");
    expect(format.dateTime(ms, "Europe/Berlin")).toBe("23 Nov 2026, 00:05:07 CET");
    expect(format.dateTime(ms, "America/New_York")).toMatch(/^22 Nov 2026, 18:05:07 GMT-5$/);
    expect([0, 5, 200, 7300, 200_000].map((seconds) => format.ago(ms - seconds * 1000, ms))).toEqual([
      ...["just now", "5 s ago", "3 min ago", "2 h ago", "2 d ago"],
    ]);
    expect(format.ago(ms + 900, ms)).toBe("just now");
  });

  it("durations and sizes are short, whatever they are of", () => {
    const sizes = fc.oneof(fc.integer({ min: 0, max: 10 ** 15 }), fc.double({ min: 0, max: 1e15, noNaN: true }));
    fc.assert(
      fc.property(sizes, (value) => {
        expect(format.duration(value)).toMatch(/^([\d.]{1,5} (µs|ms|s)|[\d,]+ (min|h|d)( \d+ (s|min|h))?)$/);
        expect(format.bytes(value)).toMatch(/^[\d.]{1,5} ([KMGTP]i)?B$/);
        expect(format.short(value)).toMatch(/^[\d.e+-]{1,12}( [kMGT])?$/);
      }),
    );
  });
});

describe("colours", () => {
  it("stand out from both backgrounds", () => {
    for (const colour of palette) {
      expect(contrast(colour, "#ffffff"), colour).toBeGreaterThanOrEqual(3);
      expect(contrast(colour, "#0f1317"), colour).toBeGreaterThanOrEqual(3);
    }
    expect(new Set(palette).size).toBe(palette.length);
  });

  it("carry text that can be read", () => {
    for (const colour of palette) expect(contrast(colour, textOn(colour)), colour).toBeGreaterThanOrEqual(4.2);
  });

  it("of the first functions never look alike", () => {
    const places = ["simulate", "load", "fit", "score", "clean", "merge"].map((name) =>
      palette.indexOf(colourOf(name)),
    );
    for (const place of places) {
      const apart = places.map((other) => Math.abs(place - other)).map((by) => Math.min(by, palette.length - by));
      expect(apart.filter((by) => by < 2)).toEqual([0]); // itself
    }
  });

  it("are the same for a name, and spread over names", () => {
    const names = Array.from({ length: 240 }, (_, index) => `fit_${index}`);
    const used = new Map<string, number>();
    for (const name of names) used.set(colourOf(name), (used.get(colourOf(name)) ?? 0) + 1);
    expect(colourOf("fit_7")).toBe(colourOf("fit_7"));
    expect(used.size).toBe(palette.length);
    expect(Math.max(...used.values())).toBeLessThan(25);
  });
});

describe("tables", () => {
  const rows = [{ v: 2 }, { v: null }, { v: 10 }, { v: 1 }];

  it("order by size, and what is not known comes last either way", () => {
    expect(sorted(rows, ({ v }) => v, false).map(({ v }) => v)).toEqual([1, 2, 10, null]);
    expect(sorted(rows, ({ v }) => v, true).map(({ v }) => v)).toEqual([10, 2, 1, null]);
    const names = ["worker-10", "Worker-2", "alpha"];
    expect(sorted(names, (name) => name, false)).toEqual(["alpha", "Worker-2", "worker-10"]);
  });

  it("turn at the second click, and figures begin with the largest", () => {
    const first = nextOrder(null, "cpu", true);
    expect(first).toEqual({ column: "cpu", descending: true });
    expect(nextOrder(first, "cpu", true)).toEqual({ column: "cpu", descending: false });
    expect(nextOrder(first, "name", false)).toEqual({ column: "name", descending: false });
  });

  it("draw all rows in sight, and few others, however far one scrolls", () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.nat(3_500_000), fc.integer({ min: 0, max: 2000 }), (total, scrolled, height) => {
        const { from, to } = windowOf(total, 30, scrolled, height);
        const inSight = [Math.floor(scrolled / 30), Math.ceil((scrolled + height) / 30)] as const;
        expect(from).toBeLessThanOrEqual(Math.min(inSight[0], total));
        expect(to).toBeGreaterThanOrEqual(Math.min(inSight[1] - 1, total));
        expect(to - from).toBeLessThanOrEqual(height / 30 + 42);
      }),
    );
  });
});

describe("addresses", () => {
  it("name pages, with parameters as they were before they were written into the address", () => {
    expect(matchPath("/workers/:name", "/workers/gpu%20box%2F1")).toEqual({ name: "gpu box/1" });
    expect(matchPath("/workers/:name", "/workers")).toBeUndefined();
    expect(matchPath("/workers/:name", "/workers/%")).toBeUndefined();
    expect(href("workers", "gpu box/1")).toBe("/status/workers/gpu%20box%2F1");
  });

  it("find the page, or none", () => {
    const pages = [{ path: "/" }, { path: "/tasks" }, { path: "/tasks/:id" }];
    expect(findPage(pages, "/status")?.page.path).toBe("/");
    expect(findPage(pages, "/status/")?.page.path).toBe("/");
    expect(findPage(pages, "/status/tasks/7")).toEqual({ page: pages[2], params: { id: "7" } });
    expect(findPage(pages, "/statusx")).toBeUndefined();
    expect(findPage(pages, "/status/elsewhere")).toBeUndefined();
  });
});
