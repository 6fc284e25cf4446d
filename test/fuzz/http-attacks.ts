// HTTP, right, wrong and hostile, at the page's port and at the scheduler's.

import { connect } from "node:net";
import type { Arena, Attack } from "./attack.ts";
import type { Random } from "./random.ts";

const PATIENCE_MS = 20_000;

const METHODS: readonly string[] = [
  "GET",
  "GET",
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "OPTIONS",
  "PATCH",
  "TRACE",
  "PROPFIND",
];
const PATHS: readonly string[] = [
  ...["/", "/status", "/status/workers", "/health", "/metrics", "/sign-in", "/sign-out", "/api/v1/me", "/api/v1/codes"],
  ...["/api/v1/cluster", "/api/v1/overview", "/api/v1/workers", "/api/v1/workers/fuzz", "/api/v1/gone-workers"],
  ...["/api/v1/tasks", "/api/v1/tasks/7", "/api/v1/tasks/k1", "/api/v1/failures", "/api/v1/graph", "/api/v1/transfers"],
  ...["/api/v1/runs", "/api/v1/runs/1", "/api/v1/runs/1/details", "/api/v1/searches/1", "/api/v1/searches/1.csv"],
  ...["/api/v1/trainings/1", "/api/v1/events", "/api/v1/logs", "/api/v1/docs", "/api/v1/docs/json", "/api/v1/reports"],
  ...["/api/v1/actions/cancel", "/api/v1/actions/retire", "/api/v1/stream", "/status/assets/x.js", "/favicon.ico"],
];
const NASTY: readonly string[] = [
  ...["..", "%2e%2e", "%2e%2e%2f", "..%5c", "%00", "%", "%zz", "%c0%ae", "%ff", "//", "\\", "constructor", "__proto__"],
  ...[
    "etc/passwd",
    "a".repeat(900),
    "x".repeat(4_000),
    ";",
    "*",
    "%0d%0aX: y",
    "é".normalize("NFD"),
    "%F0%9F%92%A9",
    "?",
    "#",
  ],
];
const KEYS: readonly string[] = [
  ...["limit", "since", "before", "run", "task", "by", "text", "status", "worker", "key", "function", "code", "role"],
  ...["__proto__", "constructor", "to", ""],
];
const VALUES: readonly string[] = [
  ...["", "0", "1", "-1", "50", "1e3", "1e400", "NaN", "9007199254740991", "9007199254740993", "0x10", "true", "null"],
  ...["id", "key", "done", "a".repeat(2_000), "%00", "%ff", "[object Object]", "1&limit=2", "18446744073709551616"],
];

/** A request that ends where it says. `isLast`: the connection is to end with it. */
function request(arena: Arena, host: string, isLast: boolean): Buffer {
  const { random } = arena;
  const method = random.pick(METHODS);
  const body = method === "GET" || method === "HEAD" ? Buffer.alloc(0) : bodyOf(random);
  const lines = [
    `${method} ${target(random)} HTTP/1.1`,
    `Host: ${random.oneIn(30) ? random.pick(["", "evil", "[::1", "a b"]) : host}`,
  ];
  if (!random.oneIn(4)) lines.push(`Authorization: Bearer ${arena.ports.token}`);
  for (let i = random.below(3); i > 0; i--) lines.push(random.pick(HEADERS)(random));
  lines.push(`Connection: ${isLast ? "close" : "keep-alive"}`);
  if (body.length > 0 && random.oneIn(3)) {
    lines.push("Transfer-Encoding: chunked");
    const chunk = Buffer.concat([Buffer.from(`${body.length.toString(16)};x="${random.below(9)}"\r\n`), body]);
    return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), chunk, Buffer.from("\r\n0\r\n\r\n")]);
  }
  lines.push(`Content-Length: ${body.length}`);
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), body]);
}

function target(random: Random): string {
  let path = random.pick(PATHS);
  if (random.oneIn(3)) {
    const nasty = printable(random.pick(NASTY));
    path = random.oneIn(2) ? `${path}/${nasty}` : path.replace(/[^/]*$/, nasty);
  }
  const queries = Array.from({ length: random.below(4) }, () => `${random.pick(KEYS)}=${random.pick(VALUES)}`);
  return queries.length === 0 ? path : `${path}?${printable(queries.join("&"))}`;
}

/** Spaces would end the path, other characters the request. */
function printable(text: string): string {
  return text.replace(/[^\x21-\x7e]/g, "%20");
}

const HEADERS: readonly ((random: Random) => string)[] = [
  (random) => `Cookie: ${random.pick(["taskflock=x", "=", "a=b; ; ;=", `taskflock=${"y".repeat(2_000)}`, "\u00ff"])}`,
  (random) =>
    `Content-Type: ${random.pick(["application/json", "text/html", "multipart/form-data; boundary=", "application/x-www-form-urlencoded", "", "a/b;;;"])}`,
  (random) => `Origin: ${random.pick(["null", "http://evil", "http://127.0.0.1", "file://", "\u00e9"])}`,
  (random) => `Accept-Encoding: ${random.pick(["gzip", "br;q=2", "*", "identity;q=0", "gzip,".repeat(200)])}`,
  (random) => `If-None-Match: ${random.pick(["*", '"x"', "W/", "x".repeat(500)])}`,
  (random) => `Range: bytes=${random.pick(["0-", "-1", "9-1", "0-0,0-0,0-0", "x"])}`,
  (random) => `X-Forwarded-For: ${random.pick(["1.2.3.4", "x".repeat(3_000), "::"])}`,
  (random) => `Sec-Fetch-Site: ${random.pick(["cross-site", "same-origin", "none", "?"])}`,
  (random) => `X-${"h".repeat(random.pick([1, 100]))}: ${"v".repeat(random.pick([0, 10, 4_000]))}`,
  () => "Expect: 100-continue",
];

function bodyOf(random: Random): Buffer {
  const deep = (depth: number): string => `${"[".repeat(depth)}${"]".repeat(depth)}`;
  return Buffer.from(
    random.pick([
      "{}",
      "",
      "not json",
      '{"workers":[]}',
      '{"workers":["nobody"]}',
      '{"tasks":[9007199254740991],"run":0}',
      '{"tasks":"x"}',
      '{"__proto__":{"role":"admin"},"role":"admin"}',
      '{"constructor":{"prototype":{"x":1}}}',
      '{"role":"viewer"}',
      "token=wrong&to=//evil",
      "\ufeff{}",
      '{"a":1e999}',
      deep(random.pick([10, 5_000])),
      `{"workers":[${'"w",'.repeat(random.pick([10, 11_000]))}"w"]}`,
      "x".repeat(random.pick([1_000, 300_000])),
    ]),
  );
}

/** Many right-framed requests on one connection: each is answered. */
export const requestAttack: Attack = async (arena) => {
  const { random, ports, tally } = arena;
  const atPage = !random.oneIn(8);
  const port = atPage ? ports.page : ports.scheduler;
  // The scheduler's port answers once, and closes.
  const many = atPage ? random.between(20, 120) : 1;
  const host = `127.0.0.1:${port}`;
  const bytes = Buffer.concat(Array.from({ length: many }, (_, i) => request(arena, host, i === many - 1)));
  const { text, isStuck } = await exchange(port, [bytes], arena.stranger());
  const answers = text.match(/HTTP\/1\.1 [1-5]\d\d /g) ?? [];
  const final = answers.filter((line) => !line.includes(" 100 "));
  tally.connections++;
  tally.sent += many;
  tally.judged += Math.min(many, final.length);
  for (const line of final) tally.count(`http ${line.slice(9, 12)}`);
  if (isStuck) tally.problem(`stuck: HTTP, ${final.length} of ${many} answered: ${bytes.subarray(0, 300)}`);
  if (/"FLOCK_INTERNAL"/.test(text))
    tally.problem(`a defect answers: ${/.{0,200}FLOCK_INTERNAL.{0,200}/.exec(text)?.[0]}`);
};

/** What is no HTTP, or two requests in one: the connection is answered with an error, or ended. */
export const rubbishAttack: Attack = async (arena) => {
  const { random, ports, tally } = arena;
  const port = random.oneIn(2) ? ports.page : ports.scheduler;
  const pieces = rubbish(arena, port);
  const { text, isStuck } = await exchange(port, pieces, arena.stranger());
  tally.connections++;
  tally.sent++;
  tally.judged++;
  tally.count(`rubbish: ${/^HTTP\/1\.1 \d\d\d/.exec(text)?.[0] ?? "closed"}`);
  if (isStuck) tally.problem(`stuck: ${Buffer.concat(pieces).toString("latin1").slice(0, 300)}`);
};

// Long: one shape of rubbish per case.
function rubbish(arena: Arena, port: number): Buffer[] {
  const { random } = arena;
  const host = `Host: 127.0.0.1:${port}`;
  const latin = (text: string): Buffer => Buffer.from(text, "latin1");
  const right = request(arena, `127.0.0.1:${port}`, true);
  switch (random.below(14)) {
    case 0:
      return [random.bytes(random.between(1, 400))];
    case 1:
      return [latin(`GET /status HTTP/1.1\r\n\r\n`)]; // no host
    case 2:
      return [latin(`GET /status HTTP/1.1\r\n${host}\r\n${host}\r\nConnection: close\r\n\r\n`)];
    case 3: // smuggling
      return [
        latin(
          `POST /sign-in HTTP/1.1\r\n${host}\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n${host}\r\n\r\n`,
        ),
      ];
    case 4:
      return [latin(`POST /sign-in HTTP/1.1\r\n${host}\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nabcdefg`)];
    case 5:
      return [
        latin(
          `POST /sign-in HTTP/1.1\r\n${host}\r\nTransfer-Encoding: chunked\r\n\r\n${random.pick(["zz\r\n", "-1\r\nx", "ffffffffffffffff\r\n", "5\r\nab", "3\r\nabcd\r\n"])}`,
        ),
      ];
    case 6:
      return [
        latin(
          `POST /sign-in HTTP/1.1\r\n${host}\r\nContent-Length: ${random.pick(["-1", "1e9", "99999999999999999999", "0x10", " "])}\r\n\r\nx`,
        ),
      ];
    case 7:
      return [
        latin(
          `GET / HTTP/1.1\r\n${host}\r\n${Array.from({ length: 3_000 }, (_, i) => `x${i}: y`).join("\r\n")}\r\n\r\n`,
        ),
      ];
    case 8:
      return [
        latin(
          `GET /${"a".repeat(random.pick([9_000, 20_000, 70_000]))} HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`,
        ),
      ];
    case 9: {
      const path = random.pick(["/", "/api/v1/stream", "/api/v1/stream/x", "/status", "//", "/%00", "http://[", "*"]);
      const asked = random.pick(["websocket", "h2c", "", "taskflock, websocket"]);
      const key = random.pick(["dGhlIHNhbXBsZSBub25jZQ==", "short", ""]);
      const from = random.oneIn(3) ? `Origin: http://evil\r\n` : "";
      const token = random.oneIn(2) ? `Authorization: Bearer ${arena.ports.token}\r\n` : "";
      const version = random.pick(["13", "8", "x"]);
      return [
        latin(
          `GET ${path} HTTP/1.1\r\n${host}\r\n${from}${token}Upgrade: ${asked}\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: ${version}\r\n\r\n`,
        ),
        random.bytes(90),
      ];
    }
    case 10:
      return [
        latin(
          `${random.pick(["GE T", "\u0000", "CONNECT", "GET\t", "QUERY", "M-SEARCH", "get"])} ${random.pick(["/", "evil:80", "", "http://evil/", "//evil"])} HTTP/${random.pick(["1.1", "1.0", "0.9", "2.0", "9", "x"])}\r\n${host}\r\n\r\n`,
        ),
      ];
    case 11:
      return [
        latin(
          `GET / HTTP/1.1\r\n${random.pick(["Host", "Ho st: x", ": x", "X:\u0000y", "X: a\rb", " folded"])}\r\n${host}\r\n\r\n`,
        ),
      ];
    case 12: {
      const cut = random.below(right.length);
      return [right.subarray(0, cut)];
    }
    default:
      return Array.from(right.subarray(0, 60), (_, i) => right.subarray(i, i + 1));
  }
}

interface Exchange {
  readonly text: string;
  readonly isStuck: boolean;
}

/** Sends all, ends its side, and hears until the other end has ended, too. */
function exchange(port: number, pieces: readonly Buffer[], from: string | undefined): Promise<Exchange> {
  return new Promise((resolve) => {
    const heard: Buffer[] = [];
    let isStuck = false;
    const socket = connect({ port, host: "127.0.0.1", ...(from === undefined ? {} : { localAddress: from }) });
    const timer = setTimeout(() => {
      isStuck = true;
      socket.destroy();
    }, PATIENCE_MS);
    socket.on("error", () => undefined);
    socket.on("data", (bytes: Buffer) => heard.push(bytes));
    socket.on("close", () => {
      clearTimeout(timer);
      resolve({ text: Buffer.concat(heard).toString("latin1"), isStuck });
    });
    for (const piece of pieces.slice(0, -1)) socket.write(piece);
    // Who sends no more is not answered by some servers: those that close on their own are waited for.
    socket.write(pieces.at(-1) ?? Buffer.alloc(0));
    setTimeout(() => socket.end(), 500).unref();
  });
}

/** What a slow one says at once, of a request that it never ends. */
export const SLOWLY = {
  nothing: () => "",
  "half a head": (port: number) => `GET /status HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n`,
  "half a body": (port: number) => `POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 1000\r\n\r\n`,
} as const;

/** Goes on line by line: the server is to end it. Milliseconds that took, or null. */
export function slowLoris(port: number, what: keyof typeof SLOWLY, patienceMs: number): Promise<number | null> {
  const begun = performance.now();
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("error", () => undefined);
    socket.resume();
    const first = SLOWLY[what](port);
    if (first !== "") socket.write(first);
    const drip = setInterval(() => first !== "" && socket.write("X: y\r\n"), 1_000);
    const timer = setTimeout(() => finish(null), patienceMs);
    const finish = (took: number | null): void => {
      clearInterval(drip);
      clearTimeout(timer);
      socket.destroy();
      resolve(took);
    };
    socket.on("close", () => finish(performance.now() - begun));
  });
}
