// The model as signals: components read them, and are drawn again at most once per frame.

import { computed, type ReadonlySignal, signal } from "@preact/signals";
import type { FeedMessage, FeedTopic } from "@taskflock/protocol/words";
import { signIn } from "./api.ts";
import { Connection, type ConnectionState } from "./connection.ts";
import { applyMessage, defaultLimits, emptyModel, type Model } from "./model.ts";
import { loadSession } from "./session.ts";

const shown = signal<Model>(emptyModel());
const state = signal<ConnectionState>({ is: "connecting" });

/** All that is known. Prefer the parts below: they change only when what they name has changed. */
export const model: ReadonlySignal<Model> = shown;
export const connection: ReadonlySignal<ConnectionState> = state;

const part = <K extends keyof Model>(name: K): ReadonlySignal<Model[K]> => computed(() => shown.value[name]);

/** Null before the first message. */
export const overview: ReadonlySignal<Model["overview"]> = part("overview");
export const limit: ReadonlySignal<string> = part("limit");
/** Whether the dashboard has a link to the scheduler: without one it shows the last that was known. */
export const hasScheduler: ReadonlySignal<boolean> = part("connected");
export const rates: ReadonlySignal<Model["rates"]> = part("rates");
export const points: ReadonlySignal<Model["points"]> = part("points");
export const spans: ReadonlySignal<Model["spans"]> = part("spans");
/** Names of functions by their numbers. */
export const functionNames: ReadonlySignal<Model["names"]> = part("names");
export const workers: ReadonlySignal<Model["workers"]> = part("workers");
export const transfers: ReadonlySignal<Model["transfers"]> = part("transfers");
export const events: ReadonlySignal<Model["events"]> = part("events");
export const logs: ReadonlySignal<Model["logs"]> = part("logs");
export const details: ReadonlySignal<Model["details"]> = part("details");
/** Milliseconds since 1970 of µs 0 of the scheduler's clock. */
export const offsetMs: ReadonlySignal<number> = part("offsetMs");

/** Milliseconds since 1970 of a moment of the scheduler's clock, µs. Null before the first message. */
export function wallTime(us: number): number | null {
  return shown.value.seq === 0 ? null : us / 1000 + shown.value.offsetMs;
}

/** The scheduler's clock, µs, when the last message came, and when that was on the page's clock. */
let heard = { us: 0, at: 0 };

/** The scheduler's clock now, as far as it can be known, µs: for what moves between messages. */
export function schedulerNow(): number {
  return isStill ? heard.us : heard.us + (performance.now() - heard.at) * 1000;
}

let next = shown.peek();
let frame = 0;
let isStill = false;

/** Shows one message and no other, with the clock standing still at it: a report. */
export function showStill(message: FeedMessage): void {
  const all = Number.POSITIVE_INFINITY;
  const limits = { ...defaultLimits, points: all, events: all, logs: all, logUnits: all, details: all };
  isStill = true;
  heard = { us: message.now, at: 0 };
  next = applyMessage(emptyModel(limits), message);
  shown.value = next;
  state.value = { is: "open" };
}

/** Takes a message in; what is shown follows with the next frame. */
export function receive(message: FeedMessage): void {
  next = applyMessage(next, message);
  quietSince = performance.now();
  heard = { us: message.now, at: quietSince };
  if (frame !== 0) return;
  frame = requestAnimationFrame(() => {
    frame = 0;
    shown.value = next;
  });
}

let link: Connection | null = null;
/** On the page's clock: when a message came, or was first to be expected. */
let quietSince = 0;

/** How long nothing has come that should have, ms: a message comes at least once a second. 0 while none is expected. */
export function quietMs(): number {
  return state.value.is === "open" && !document.hidden && !isStill ? performance.now() - quietSince : 0;
}
let wished: { topics: readonly FeedTopic[]; run: number } = { topics: [], run: 0 };

function sendWish(): void {
  quietSince = performance.now();
  link?.wish({ ...wished, paused: document.hidden });
}

/** Says which parts of the feed the shown page needs; `run`: whose details, 0 is all. */
export function wish(topics: readonly FeedTopic[], run: number): void {
  wished = { topics, run };
  sendWish();
}

/** Connects at once instead of waiting. */
export function retryNow(): void {
  link?.connect();
}

/** Opens the feed and keeps it open for the life of the page. */
export function openFeed(): void {
  link = new Connection({
    url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/stream`,
    open: (url) => new WebSocket(url),
    onMessage: receive,
    onState: (value) => {
      state.value = value;
      quietSince = performance.now();
      if (value.is === "open") void loadSession();
      if (value.is === "signedOut") signIn();
    },
    isSignedIn,
    random: Math.random,
    now: Date.now,
  });
  link.connect();
  sendWish();
  document.addEventListener("visibilitychange", () => {
    sendWish();
    if (!document.hidden) retryNow();
  });
  addEventListener("online", retryNow);
}

async function isSignedIn(): Promise<boolean> {
  try {
    return (await fetch("/api/v1/me")).status !== 401;
  } catch {
    // The server does not answer at all: that says nothing about the reader.
    return true;
  }
}
