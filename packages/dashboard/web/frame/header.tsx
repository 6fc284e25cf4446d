// The name, what limits the cluster, whether the page is connected, and the colour scheme.

import { useEffect, useRef, useState } from "preact/hooks";
import type { ConnectionState } from "../feed/connection.ts";
import { connection, hasScheduler, limit, quietMs, retryNow } from "../feed/store.ts";
import { chooseTheme, type Theme, theme, themes } from "../ui/theme.ts";
import { toast } from "../ui/toast.tsx";
import { isMenuOpen } from "./menu.tsx";

export function Header() {
  return (
    <header class="header">
      <MenuButton />
      <a class="brand" href="/status">
        Taskflock
      </a>
      <LimitLine />
      <ConnectionNote />
      <ThemeChoice />
    </header>
  );
}

export function MenuButton() {
  return (
    <button
      type="button"
      class="menu-button"
      aria-label="Menu"
      aria-expanded={isMenuOpen.value}
      aria-controls="menu"
      onClick={() => {
        isMenuOpen.value = !isMenuOpen.value;
      }}
    >
      ☰
    </button>
  );
}

/** How often screen readers are told of a new limit, ms. */
const SAID_EVERY_MS = 5000;

/** Shown at once, dimmed while it is old; said to screen readers now and then, because under load it changes many times a second. */
function LimitLine() {
  const said = useThrottled(limit.value, SAID_EVERY_MS);
  const isOld = connection.value.is === "lost" || !hasScheduler.value;
  return (
    <>
      <p class={isOld ? "limit-line soft" : "limit-line"} title={limit.value} aria-hidden="true">
        {limit.value}
      </p>
      <p class="for-readers" aria-live="polite">
        {said}
      </p>
    </>
  );
}

/** The value, changing at most so often. */
function useThrottled(value: string, everyMs: number): string {
  const [kept, setKept] = useState({ value, at: 0 });
  useEffect(() => {
    if (value === kept.value) return;
    const wait = Math.max(0, kept.at + everyMs - performance.now());
    const timer = setTimeout(() => setKept({ value, at: performance.now() }), wait);
    return () => clearTimeout(timer);
  }, [value, kept]);
  return kept.value;
}

/** Says that the connection is back, when it was lost before. */
function useBackNote(is: ConnectionState["is"]): void {
  const wasLost = useRef(false);
  useEffect(() => {
    if (is === "open" && wasLost.current) toast("The connection is back.");
    if (is !== "connecting") wasLost.current = is === "lost";
  }, [is]);
}

/** Longer than a slow network takes. */
const QUIET_MS = 5000;

/** Seconds without a message although the connection is open; 0 while all is well. */
function useQuietSeconds(): number {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setSeconds(quietMs() < QUIET_MS ? 0 : Math.floor(quietMs() / 1000)), 1000);
    return () => clearInterval(timer);
  }, []);
  return seconds;
}

type Note = readonly [text: string, tone: "good" | "neutral" | "bad"];

function noteOf(is: ConnectionState["is"], hasScheduler: boolean, isQuiet: boolean): Note {
  if (is === "connecting") return ["Connecting …", "neutral"];
  if (is === "signedOut") return ["Signed out", "bad"];
  if (is === "lost") return ["Connection lost", "bad"];
  if (!hasScheduler) return ["The scheduler does not answer: this is the last that was known", "bad"];
  return isQuiet ? ["The dashboard is silent", "bad"] : ["Live", "good"];
}

function ConnectionNote() {
  const state = connection.value;
  useBackNote(state.is);
  const quiet = useQuietSeconds();
  const [text, tone] = noteOf(state.is, hasScheduler.value, quiet > 0);
  return (
    <div class="connection">
      <span class={`dot ${tone}`} aria-hidden="true" />
      <span role="status">{text}</span>
      {state.is === "open" && quiet > 0 && <span class="countdown">: no news for {quiet} s</span>}
      {state.is === "lost" && <Countdown until={state.retryAt} />}
    </div>
  );
}

/** Not part of what is said to screen readers, which would have to hear every second. */
function Countdown({ until }: { readonly until: number }) {
  const left = (): number => Math.max(0, Math.ceil((until - Date.now()) / 1000));
  const [secondsLeft, setLeft] = useState(left());
  useEffect(() => {
    setLeft(left());
    const timer = setInterval(() => setLeft(left()), 500);
    return () => clearInterval(timer);
  }, [until]);
  return (
    <>
      <span class="countdown">, trying again in {secondsLeft} s</span>
      <button type="button" onClick={retryNow}>
        Try now
      </button>
    </>
  );
}

const themeNames: Readonly<Record<Theme, string>> = { system: "Auto", light: "Light", dark: "Dark" };

export function ThemeChoice() {
  return (
    <select
      class="theme"
      aria-label="Colours"
      value={theme.value}
      onChange={({ currentTarget }) => chooseTheme(currentTarget.value as Theme)}
    >
      {themes.map((name) => (
        <option key={name} value={name}>
          {themeNames[name]}
        </option>
      ))}
    </select>
  );
}
