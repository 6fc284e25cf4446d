// What slots do now: their threads are sampled for a while.

import { setTimeout as pause } from "node:timers/promises";
import { FlockError } from "@taskflock/protocol/links";
import type { FastifyInstance } from "fastify";
import type { Context } from "../context.ts";
import type { Observer } from "../observer.ts";
import { sourcesOf } from "../places.ts";
import { mergedProfile, type Profile, placesIn, type ToldProfile } from "../profile.ts";
import { SentCode } from "../sent-code.ts";
import { answers, described, object, text } from "./schemas.ts";

const INTERVAL_US = 1_000;
/** Who asks while so many wait is refused. */
const MAX_WAITING = 8;
/** More workers than anybody looks at: a thread of each is sampled, and tells megabytes. */
const MAX_WORKERS = 1_000;

export function profileRoutes(app: FastifyInstance, { observer }: Context): void {
  const queue = new OneByOne(MAX_WAITING);
  const code = new SentCode(observer);
  app.get<{ Querystring: { workers: string; seconds: number } }>(
    "/api/v1/profile",
    {
      exposeHeadRoute: false,
      schema: {
        tags: ["cluster"],
        summary: "Samples the slots of workers, and says where their time goes",
        querystring: object({
          workers: { ...text("Names with commas; none: all workers.", 100_000), default: "" },
          seconds: { type: "number", minimum: 0.1, maximum: 60, default: 5, description: "How long, seconds." },
        }),
        response: answers(
          described("`functions` with `calls`; `idleMs`, `garbageMs`, `otherMs`, `threads`, `silent`."),
        ),
      },
    },
    ({ query }) => {
      const names = query.workers.split(",").filter((name) => name !== "");
      return queue.run(async () => {
        const profile = await sample(observer, names.slice(0, MAX_WORKERS), query.seconds * 1_000);
        return { ...profile, functions: await code.annotated(profile.functions) };
      });
    },
  );
}

async function sample(observer: Observer, names: readonly string[], ms: number): Promise<Profile> {
  const { value: workers } = await observer.ask({ q: "startProfile", workers: names, intervalUs: INTERVAL_US });
  await pause(ms);
  const answers = await Promise.allSettled(
    workers.map(async (worker) => {
      const { data } = await observer.ask({ q: "takeProfile", worker }, 30_000);
      return JSON.parse(new TextDecoder().decode(data)) as ToldProfile;
    }),
  );
  const told = answers.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const failed = answers.find((one) => one.status === "rejected");
  if (told.length === 0 && failed !== undefined) throw failed.reason;
  const sampled = workers.filter((_, at) => answers[at]?.status === "fulfilled");
  return mergedProfile(sampled, told, await sourcesOf(observer, placesIn(told)));
}

/** A worker is sampled for one who asks at a time, and all pages ask through one link: they wait for each other. */
class OneByOne {
  readonly #max: number;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(max: number) {
    this.#max = max;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= this.#max)
      throw new FlockError("FLOCK_PROFILE", "Too many profiles are being taken already; try again in a minute.");
    this.#waiting++;
    const mine = this.#last.then(work, work);
    this.#last = mine.catch(() => undefined);
    try {
      return await mine;
    } finally {
      this.#waiting--;
    }
  }
}
