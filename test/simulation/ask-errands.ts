// What modelled clients ask about the cluster and their tasks; each answer is looked at for what must hold of it.

import type {
  AnswerOf,
  CallInfo,
  ClusterEvent,
  DumpPage,
  DumpSection,
  LogEntry,
  Page,
  Question,
  ScaleAdvice,
  TaskNumber,
} from "@taskflock/protocol/words";
import type { ClientProcess } from "./client-process.ts";
import { pageErrand } from "./page-errands.ts";
import type { Random } from "./random.ts";
import { refer } from "./run-errands.ts";
import { makesActor, mayHang, recall } from "./tasks.ts";

type Errand = (client: ClientProcess, random: Random) => void;

export function askErrand(client: ClientProcess, random: Random): void {
  random.pick(errands)(client, random);
}

const plain: Errand = (client, random) => {
  const n = random.skewed(1, 300) as TaskNumber;
  const key = `${random.pick(["f1", "f2", "f3", "f4"])}-${client.link.id}-${random.between(1, 20)}`;
  const workers = Array.from({ length: 6 }, (_, number) => `w${number}`);
  const questions: Question[] = [
    { q: "ping" },
    { q: "cluster" },
    { q: "waitForWorkers", count: 1 },
    { q: "waitForNamed", workers: ["w0"] },
    { q: "note", text: "the model was here" },
    { q: "story", n },
    { q: "storyOfKey", key },
    { q: "whyKey", key },
    // A planned stop may leave results behind that nobody else has room for: they are computed again.
    client.around.disturbed ? { q: "retireIdle", workers, reason: "the model says so" } : { q: "datasets" },
    { q: "sharedInfo", kind: random.pick(["queue", "lock", "variable"]), name: random.pick(["free", "a", "v"]) },
  ];
  client.ask(random.pick(questions));
};

const why: Errand = (client, random) => client.ask({ q: "why", n: random.skewed(1, 300) as TaskNumber });

const events: Errand = (client, random) => {
  const since = random.between(0, 20);
  // Something has happened: this client has come.
  client.ask({ q: "events", since, limit: 100, wait: since === 0 }, ({ value, error }) => {
    if (error === null) inOrder(client, value as Page<ClusterEvent>, since);
  });
};

const logs: Errand = (client) => {
  const filter = { worker: "", key: "", run: "" };
  client.ask({ q: "logs", filter, since: 0, limit: 50, wait: false }, ({ value, error }) => {
    if (error === null) inOrder(client, value as Page<LogEntry>, 0);
  });
};

function inOrder(client: ClientProcess, { items }: Page<{ readonly seq: number }>, since: number): void {
  let last = since;
  for (const { seq } of items) {
    if (seq <= last) throw new Error(`${client.name} was told ${seq} after ${last}`);
    last = seq;
  }
}

const dump: Errand = (client, random) => pages(client, random.pick(["tasks", "story"] as const), 0, 20);

function pages(client: ClientProcess, section: DumpSection, from: number, most: number): void {
  client.ask({ q: "dump", section, from, limit: 60 }, ({ value, error }) => {
    if (error !== null) return;
    const { items, next } = value as DumpPage;
    if (items.length > 60) throw new Error(`${client.name} was told of ${items.length} on one page`);
    if (next !== null && next <= from) throw new Error(`${client.name}: the page after ${from} is ${next}`);
    if (next !== null && most > 0) pages(client, section, next, most - 1);
  });
}

const scale: Errand = (client, random) => {
  const targetDurationMs = random.skewed(1, 1_000);
  client.ask({ q: "scale", targetDurationMs, slots: 2 }, ({ value }) => {
    const { wanted, runnable, workMs } = value as ScaleAdvice;
    if (!(wanted >= 0 && runnable >= 0 && workMs >= 0))
      throw new Error(`${client.name} was advised ${JSON.stringify(value)}`);
    if (wanted > 0) client.ask({ q: "scaledUp", count: wanted, reason: "the model says so" });
  });
};

/** Of all workers; some of the profiles are never taken. */
const profile: Errand = (client, random) => {
  const share = random.next();
  client.ask({ q: "startProfile", workers: [], intervalUs: 1_000 }, ({ value, error }) => {
    if (error !== null) return;
    const names = value as AnswerOf<{ q: "startProfile"; workers: []; intervalUs: 0 }>;
    for (const [i, worker] of names.entries()) {
      if (i / names.length > share) continue;
      client.around.world.after(1_000 * (i + 1), () =>
        client.ask({ q: "takeProfile", worker }, (answer, content) => {
          if (answer.error === null && content?.is !== "value")
            throw new Error(`${client.name} got no profile of ${worker}`);
        }),
      );
    }
  });
};

/** The call of one of its tasks, and futures of what it was called with. */
const call: Errand = (client, random) => {
  // Of what only a cancel ends nobody has a second reference: with one, only that future is cancelled, and the task runs on.
  const own = [...client.futures.values()].filter(
    (future) => !future.released && !future.shared && !mayHang(future.plan.spec),
  );
  if (own.length === 0) return;
  const { n, plan } = random.pick(own);
  const { inputs } = plan.spec;
  client.ask({ q: "call", n }, ({ value, error }, content) => {
    if (error !== null) return;
    if ((value as CallInfo).inputs !== inputs.length) throw new Error(`${client.name}: ${n} has other inputs`);
    if (content?.is !== "arguments" || content.spec !== plan.spec.id)
      throw new Error(`${client.name}: ${n} was called with ${JSON.stringify(content)}`);
    const as = inputs.map(() => client.reserve());
    client.ask({ q: "inputs", n, as }, (answer) => {
      for (const [i, number] of as.entries()) {
        const spec = inputs[i];
        if (answer.error !== null || spec === undefined) client.waive(number);
        else {
          recall(spec);
          refer(client, number, spec, true);
        }
      }
    });
  });
};

/** An object that another client made. */
const actor: Errand = (client, random) => {
  const named = client.around.book.specs.filter((spec) => makesActor(spec) && spec.key !== null);
  if (named.length === 0) return;
  const spec = random.pick(named);
  const as = client.reserve();
  client.ask({ q: "actor", key: spec.key ?? "", as }, ({ error }) => {
    if (error !== null) client.waive(as);
    else refer(client, as, spec, false);
  });
};

/** One of its tasks is listened to, and told something. */
const talk: Errand = (client, random) => {
  const open = [...client.futures.values()].filter((future) => !future.released && future.state === "pending");
  if (open.length === 0) return;
  const { n } = random.pick(open);
  client.ask({ q: "hearReports", n });
  const told = (): Question => {
    const data = client.payloads.put({ is: "value", value: n, bytes: 8 });
    return { q: "tellTask", n, data, dataBytes: 8 };
  };
  client.ask(told, ({ value, error }) => {
    if (error === null && typeof value !== "boolean") throw new Error(`${client.name} told ${n}, and heard ${value}`);
  });
};

const errands: readonly Errand[] = [
  talk,
  talk,
  plain,
  plain,
  plain,
  why,
  why,
  events,
  logs,
  dump,
  scale,
  profile,
  call,
  actor,
  pageErrand,
  pageErrand,
  pageErrand,
];
