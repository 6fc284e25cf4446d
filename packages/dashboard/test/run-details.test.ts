import type { PageDetails, Question, RunId } from "@taskflock/protocol/words";
import { expect, test } from "vitest";
import type { Observer } from "../server/observer.ts";
import { detailsOf } from "../server/routes/runs.ts";

const RUN = 7 as RunId;
const items: PageDetails["items"] = Array.from({ length: 2500 }, (_, index) => ({
  seq: index + 1,
  at: index,
  run: RUN,
  entry: { e: "remark", trial: -1, text: `epoch ${index}` },
}));

/** A scheduler whose answers end where they would become too long: after 300 entries, however many are asked for. */
const observer: Pick<Observer, "ask"> = {
  ask: (async (question: Extract<Question, { q: "pageDetails" }>) => {
    const found = items.filter(({ seq }) => seq > question.since).slice(0, Math.min(300, question.limit));
    return { value: { now: 0, items: found, last: found.at(-1)?.seq ?? question.since, missed: 0 }, data: null };
  }) as unknown as Observer["ask"],
};

test("all that is kept of a run is read, however short the answers are", async () => {
  expect(await detailsOf(observer, RUN)).toEqual(items);
});
