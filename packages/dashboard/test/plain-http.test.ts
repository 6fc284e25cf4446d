// What the page's port answers to plain text, where it speaks TLS.

import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { ServerCertificate } from "@taskflock/protocol/links";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Authority } from "../../../test/system/certificates.ts";
import { Stage } from "./dashboard-stage.ts";

let folder: string;
let certificate: ServerCertificate;
let stage: Stage;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "taskflock-plain-"));
  const { cert, key } = await (await Authority.make()).write(join(folder, "ours"));
  certificate = new ServerCertificate({ certFile: cert, keyFile: key });
  stage = await Stage.start({}, "127.0.0.1", false, certificate);
});
afterAll(async () => {
  await stage.close();
  certificate.close();
  rmSync(folder, { recursive: true });
});

function plain(target: string): Promise<string> {
  const socket = connect(stage.dashboard.port, "127.0.0.1");
  socket.write(`GET ${target} HTTP/1.1\r\nHost: page.example:8787\r\n\r\n`);
  return text(socket);
}

/** Where a link leads who opens it as it is. */
function opened(link: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(link, { rejectUnauthorized: false }, (answer) => {
      answer.resume();
      resolve(answer.headers.location);
    });
    asked.on("error", reject).end();
  });
}

test("a browser is led to https, but not with a sign-in code, which is good for nothing afterwards", async () => {
  const led = /^HTTP\/1.1 307 .*\r\nLocation: https:\/\/page.example:8787\/status\?q=code\r\n/;
  expect(await plain("/status?q=code")).toMatch(led);
  const targets: ((code: string) => string)[] = [
    (code) => `/status?code=${code}`,
    (code) => `/status/tasks?q=1&code=%${code.charCodeAt(0).toString(16)}${code.slice(1)}`,
    (code) => `/?c%6fde=${code}`,
  ];
  for (const target of targets) {
    const link = stage.dashboard.link();
    const code = new URL(link).searchParams.get("code") ?? "";
    const answer = await plain(target(code));
    expect(answer).toMatch(/^HTTP\/1.1 426 .*sign-in code.*taskflock link/s);
    expect(answer).not.toMatch(/Location/);
    expect(answer).not.toContain(code.slice(1));
    expect(await opened(link)).toBe("/sign-in?why=code&to=%2Fstatus");
  }
  expect(await opened(stage.dashboard.link())).toBe("/status");
});
