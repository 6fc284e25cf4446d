// What is searched for, in fields; the address has it, so that it can be kept and sent to others.

import type { TaskFilter } from "@taskflock/protocol/words";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { overview } from "../../feed/store.ts";
import { setQuery } from "../../frame/router.ts";
import { nameOf } from "../runs/runs-model.ts";
import { isFiltered } from "./tasks-model.ts";

/** After the last key, before the question is asked. */
const TYPING_MS = 250;

/** `isRunOnly`: the others do not count for what is shown. */
export function Filters({ filter, isRunOnly }: { readonly filter: TaskFilter; readonly isRunOnly: boolean }) {
  const runs = overview.value?.runs ?? [];
  const isKnown = filter.run === 0 || runs.some(({ run }) => run === filter.run);
  return (
    <search class="tools">
      {!isRunOnly && <Fields filter={filter} />}
      <label>
        Run
        <select
          value={String(filter.run)}
          onChange={({ currentTarget }) => setQuery({ run: plain(currentTarget.value) })}
        >
          <option value="0">any</option>
          {!isKnown && <option value={filter.run}>run {filter.run}</option>}
          {runs.map((run) => (
            <option key={run.run} value={run.run}>
              {nameOf(run)}
            </option>
          ))}
        </select>
      </label>
      <button type="button" disabled={!isFiltered(filter)} onClick={clear}>
        Clear
      </button>
    </search>
  );
}

function Fields({ filter }: { readonly filter: TaskFilter }) {
  const list = useId();
  return (
    <>
      <Field label="Key" name="text" value={filter.text} placeholder="any part of it" />
      <Field label="Function" name="function" value={filter.function} list={list} />
      <datalist id={list}>
        {(overview.value?.functions ?? []).map(({ fn, name }) => (
          <option key={fn} value={name} />
        ))}
      </datalist>
      <Field label="Worker" name="worker" value={filter.worker} placeholder="its name" />
    </>
  );
}

function plain(run: string): string {
  return run === "0" ? "" : run;
}
function clear(): void {
  setQuery({ text: "", status: "", function: "", worker: "", run: "" });
}

function Field(props: {
  readonly label: string;
  readonly name: "text" | "function" | "worker";
  readonly value: string;
  readonly placeholder?: string;
  readonly list?: string;
}) {
  const { label, name, value } = props;
  const [text, setText] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  // The address may change by itself: by a link, by "Clear", by going back.
  useEffect(() => setText(value), [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const change = (next: string): void => {
    setText(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setQuery({ [name]: next.trim() }), TYPING_MS);
  };
  return (
    <label>
      {label}
      <input
        type="search"
        value={text}
        placeholder={props.placeholder}
        list={props.list}
        size={14}
        onInput={({ currentTarget }) => change(currentTarget.value)}
      />
    </label>
  );
}
