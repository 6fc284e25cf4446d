// Small parts that every view uses.

import type { ComponentChildren } from "preact";
import { useId, useRef } from "preact/hooks";
import { errorText } from "../feed/api.ts";
import { ApiError } from "../feed/api-error.ts";
import { percent } from "./format.ts";

export type Tone = "neutral" | "good" | "active" | "warning" | "bad";

const tones: Readonly<Record<string, Tone>> = {
  done: "good",
  running: "active",
  assigned: "active",
  open: "active",
  queued: "neutral",
  waiting: "neutral",
  paused: "warning",
  retiring: "warning",
  stopped: "warning",
  cancelled: "warning",
  cut: "bad",
  failed: "bad",
};

/** A status as text with a colour; `tone` when it is none of the usual. */
export function Badge({ status, tone }: { readonly status: string; readonly tone?: Tone }) {
  return <span class={`badge ${tone ?? tones[status] ?? "neutral"}`}>{status}</span>;
}

/** `value` of `max`; nothing is known when `max` is 0. */
export function Progress(props: { readonly value: number; readonly max: number; readonly label: string }) {
  const { value, max, label } = props;
  const share = max > 0 ? Math.min(1, value / max) : 0;
  return (
    <span class="progress">
      <progress value={share} max={1} aria-label={label} />
      <span class="progress-text">{max > 0 ? percent(share) : ""}</span>
    </span>
  );
}

/** Why there is nothing to see, and how there could be. */
export function Empty({ children }: { readonly children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

export function Loading({ what = "" }: { readonly what?: string }) {
  return (
    <p class="loading" role="status">
      Loading{what === "" ? "" : ` ${what}`} …
    </p>
  );
}

export function ErrorNote({
  error,
  onRetry,
}: {
  readonly error: unknown;
  readonly onRetry?: (() => void) | undefined;
}) {
  const { code, advice } = error instanceof ApiError ? error : { code: "", advice: "" };
  return (
    <div class="error-note" role="alert">
      <p>
        {errorText(error)} {code !== "" && <code>{code}</code>}
      </p>
      {advice !== "" && <p>{advice}</p>}
      {onRetry !== undefined && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

export interface KpiProps {
  readonly label: string;
  readonly value: ComponentChildren;
  readonly note?: ComponentChildren;
  readonly href?: string;
  readonly tone?: Tone;
}

/** One figure that counts, with its name. */
export function Kpi({ label, value, note, href, tone = "neutral" }: KpiProps) {
  const inside = (
    <>
      <span class="kpi-label">{label}</span>
      <span class={`kpi-value ${tone}`}>{value}</span>
      <span class="kpi-note">{note}</span>
    </>
  );
  return href === undefined ? (
    <div class="kpi">{inside}</div>
  ) : (
    <a class="kpi" href={href}>
      {inside}
    </a>
  );
}

/** A part of a view with a heading; `tools` stand beside the heading. */
export function Section(props: {
  readonly title: string;
  readonly tools?: ComponentChildren;
  readonly children: ComponentChildren;
}) {
  const id = useId();
  return (
    <section class="section" aria-labelledby={id}>
      <div class="section-head">
        <h2 id={id}>{props.title}</h2>
        <div class="section-tools">{props.tools}</div>
      </div>
      {props.children}
    </section>
  );
}

export interface Tab {
  readonly id: string;
  readonly title: string;
  readonly content: () => ComponentChildren;
}

/** Tabs as the keyboard knows them: arrows, Home and End move. */
export function Tabs(props: {
  readonly label: string;
  readonly tabs: readonly Tab[];
  readonly selected: string;
  readonly onSelect: (id: string) => void;
}) {
  const { label, tabs, onSelect } = props;
  const base = useId();
  const bar = useRef<HTMLDivElement>(null);
  const at = Math.max(
    0,
    tabs.findIndex(({ id }) => id === props.selected),
  );
  const move = (event: KeyboardEvent): void => {
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const index = (to + tabs.length) % tabs.length;
    onSelect(tabs[index]!.id);
    bar.current?.querySelectorAll<HTMLElement>("[role=tab]")[index]?.focus();
  };
  const tab = tabs[at];
  if (tab === undefined) return null;
  return (
    <div class="tabs">
      <div class="tab-bar" role="tablist" aria-label={label} ref={bar} onKeyDown={move}>
        {tabs.map(({ id, title }, index) => (
          <button
            key={id}
            type="button"
            role="tab"
            id={`${base}-${id}`}
            aria-selected={index === at}
            aria-controls={`${base}-panel`}
            tabIndex={index === at ? 0 : -1}
            onClick={() => onSelect(id)}
          >
            {title}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${base}-panel`} aria-labelledby={`${base}-${tab.id}`}>
        {tab.content()}
      </div>
    </div>
  );
}
