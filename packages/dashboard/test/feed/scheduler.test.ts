// The feed of a real scheduler, as a signed-in page and as a script get it.

import { once } from "node:events";
import { type FeedMessage, feedTopics } from "@taskflock/protocol/words";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { Stage, TOKEN, VIEWER_TOKEN } from "../dashboard-stage.ts";

let stage: Stage;
const sockets: WebSocket[] = [];
beforeEach(async () => {
  stage = await Stage.start();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await stage.close();
});

function open(headers: Readonly<Record<string, string>>): WebSocket {
  const socket = new WebSocket(`ws://127.0.0.1:${stage.dashboard.port}/api/v1/stream`, { headers });
  sockets.push(socket);
  return socket;
}

async function first(socket: WebSocket): Promise<FeedMessage> {
  socket.on("open", () => socket.send(JSON.stringify({ topics: feedTopics, run: 0, paused: false })));
  const [data] = await once(socket, "message");
  return JSON.parse(String(data));
}

async function refusal(socket: WebSocket): Promise<number> {
  const [asked, response] = await once(socket, "unexpected-response");
  socket.on("error", () => undefined); // it was never open
  asked.destroy();
  return response.statusCode;
}

test("all topics, for a page with its cookie and for a viewer's script", async () => {
  const message = await first(open({ cookie: await stage.signIn(), origin: stage.origin }));
  expect(message).toMatchObject({
    fresh: true,
    connected: true,
    limit: "No worker is connected, and there is nothing to do.",
    rates: [{ run: 0, secondsLeft: 0 }],
    spans: { task: [], running: { task: [] } },
    workers: { added: [], rows: [] },
    transfers: { pairs: [] },
    events: { missed: 0 },
    logs: { items: [] },
    details: { items: [] },
  });
  expect(message.overview.scheduler.id).toBe(stage.scheduler.id);
  expect(message.overview.sessions).toBe(0);
  expect((await first(open({ authorization: `Bearer ${VIEWER_TOKEN}` }))).fresh).toBe(true);
});

test("not for strangers, nor for another site with the reader's cookie", async () => {
  expect(await refusal(open({}))).toBe(401);
  expect(await refusal(open({ authorization: "Bearer wrong" }))).toBe(401);
  const cookie = await stage.signIn();
  expect(await refusal(open({ cookie, origin: "http://elsewhere.example" }))).toBe(403);
  expect(await refusal(open({ cookie }))).toBe(403);
});

test("that the scheduler is gone", async () => {
  const socket = open({ authorization: `Bearer ${TOKEN}` });
  await first(socket);
  await stage.scheduler.close();
  for (;;) {
    const [data] = await once(socket, "message");
    const { connected, limit } = JSON.parse(String(data)) as FeedMessage;
    if (!connected) {
      expect(limit).toBe("The link to the scheduler is lost; what you see is the last that was known.");
      return;
    }
  }
});
