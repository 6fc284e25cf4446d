// A task's page: where it is and why, its story, its error, what it needs and what needs it, what it printed.

import type { LogEntry, PageTask, PageTaskRow } from "@taskflock/protocol/words";
import { useEffect, useState } from "preact/hooks";
import { api, query } from "../../feed/api.ts";
import { ApiError } from "../../feed/api-error.ts";
import { schedulerNow } from "../../feed/store.ts";
import { useAnswer } from "../../feed/use-answer.ts";
import { href } from "../../frame/routes.ts";
import { Badge, Empty, ErrorNote, Loading, Section } from "../../ui/basics.tsx";
import { Action } from "../../ui/dialog.tsx";
import { copyText } from "../../ui/download.ts";
import { count, number } from "../../ui/format.ts";
import { toast } from "../../ui/toast.tsx";
import type { PageProps } from "../index.ts";
import { ErrorView, Lines } from "./error-view.tsx";
import { FunctionName, TaskTable, WorkerLink } from "./rows.tsx";
import { Story } from "./story.tsx";
import "./tasks.css";
import {
  attemptsText,
  bareError,
  byInterest,
  isUnfinished,
  outcomeText,
  refreshMs,
  resultText,
  rootOf,
  storySteps,
  type TaskError,
} from "./task-model.ts";

const FIRST_MS = refreshMs("waiting");

type TaskAnswer = PageTask & { readonly error: TaskError | null };

export function TaskPage({ params }: PageProps) {
  const path = `tasks/${encodeURIComponent(params["id"] ?? "")}`;
  const [everyMs, setEveryMs] = useState(FIRST_MS);
  const { value, error, reload } = useAnswer<TaskAnswer>(path, everyMs);
  const status = value?.why.status;
  // What could not be asked is asked again, also of a task that has ended.
  const isKnown = status !== undefined && error === null;
  useEffect(() => setEveryMs(isKnown ? refreshMs(status) : FIRST_MS), [status, isKnown]);
  if (value === null && error === null) return <Loading what="the task" />;
  if (value === null) return <Missing error={error} onRetry={reload} />;
  return (
    <>
      {error !== null && <ErrorNote error={error} onRetry={reload} />}
      <Task answer={value} onChange={reload} />
    </>
  );
}

function Missing({ error, onRetry }: { readonly error: unknown; readonly onRetry: () => void }) {
  if (!(error instanceof ApiError) || error.status !== 404) return <ErrorNote error={error} onRetry={onRetry} />;
  return (
    <Empty>
      The scheduler knows no such task: there was none, or nobody refers to its result any more and it was forgotten.
      See <a href={href("tasks")}>all tasks</a>.
    </Empty>
  );
}

function Task({ answer, onChange }: { readonly answer: TaskAnswer; readonly onChange: () => void }) {
  const { task, why, story, inputs, dependents, failure, error, now } = answer;
  return (
    <>
      <Head answer={answer} onChange={onChange} />
      <Section title={isUnfinished(why.status) ? `Why it is ${why.state}` : "How it ended"}>
        <Sentences answer={answer} />
      </Section>
      {error !== null && <ErrorView error={error} />}
      {error === null && failure !== null && <ErrorView error={bareError(failure)} />}
      <Section title="Facts">
        <Facts answer={answer} />
      </Section>
      <Section title="Story">
        <Story steps={storySteps(story, isUnfinished(why.status) ? Math.max(now, schedulerNow()) : now)} />
      </Section>
      <Related
        title="Inputs"
        rows={byInterest(inputs)}
        total={task.inputCount}
        now={now}
        empty="It needs no other task."
      />
      <Related
        title="Dependents"
        rows={dependents}
        total={task.dependents}
        now={now}
        empty="No task needs its result."
      />
      <Logs taskKey={task.key} isUnfinished={isUnfinished(why.status)} />
    </>
  );
}

function Head({ answer, onChange }: { readonly answer: TaskAnswer; readonly onChange: () => void }) {
  const { task, why } = answer;
  const cancel = async (): Promise<string> => {
    const { cancelled } = await api.post<{ cancelled: number }>("actions/cancel", { tasks: [task.task] });
    onChange();
    return cancelled > 0 ? `${count(cancelled, "task")} cancelled.` : "It had ended already.";
  };
  const copy = (): void => {
    copyText(task.key).then(
      () => toast("The key is on the clipboard."),
      (error: unknown) => toast(String(error), true),
    );
  };
  return (
    <div class="task-head">
      <span class="key mono">{task.key}</span>
      <Badge status={why.status === "waiting" ? why.state : why.status} />
      <button type="button" onClick={copy}>
        Copy key
      </button>
      <a href={`${href("graph")}?task=${task.task}`}>Graph around it</a>
      <Action
        label="Cancel this task"
        question="It is cancelled for everyone who waits for it, and so is every task that needs its result."
        isDangerous
        isDisabled={!isUnfinished(why.status)}
        run={cancel}
      />
    </div>
  );
}

function Sentences({ answer }: { readonly answer: TaskAnswer }) {
  const { why } = answer;
  const root = rootOf(answer);
  const sentences = why.sentences.length > 0 ? why.sentences : [outcomeText(why)];
  return (
    <>
      <ul class="why-list">
        {sentences.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
      {root !== "" && (
        <p class="tools">
          What failed first:{" "}
          <a class="mono" href={href("tasks", root)}>
            {root}
          </a>
        </p>
      )}
    </>
  );
}

function Facts({ answer }: { readonly answer: TaskAnswer }) {
  const { task, why, runId } = answer;
  const result = resultText(answer);
  return (
    <dl class="facts">
      <dt>Function</dt>
      <dd>
        <FunctionName name={task.function} />
      </dd>
      <dt>Run</dt>
      <dd>
        <a href={href("runs", runId)}>{task.run || `run ${runId}`}</a> of {why.client}
      </dd>
      <dt>Worker</dt>
      <dd>
        <WorkerLink name={task.worker || why.outcome?.worker || ""} />
      </dd>
      <dt>Attempts</dt>
      <dd>{attemptsText(why)}</dd>
      {result !== "" && (
        <>
          <dt>Result</dt>
          <dd>{result}</dd>
        </>
      )}
      <dt>References</dt>
      <dd>{task.references === 1 ? "1 future of clients" : `${number(task.references)} futures of clients`}</dd>
    </dl>
  );
}

function Related(props: {
  readonly title: string;
  readonly rows: readonly PageTaskRow[];
  readonly total: number;
  readonly now: number;
  readonly empty: string;
}) {
  const { title, rows, total, now, empty } = props;
  const more = total > rows.length ? ` (${rows.length} of ${number(total)})` : "";
  return (
    <Section title={`${title}${more}`}>
      <TaskTable label={title} rows={rows} now={now} empty={<Empty>{empty}</Empty>} />
    </Section>
  );
}

function Logs({ taskKey, isUnfinished: goesOn }: { readonly taskKey: string; readonly isUnfinished: boolean }) {
  const path = query("logs", { key: taskKey, limit: 200 });
  const { value, error, reload } = useAnswer<{ readonly items: readonly LogEntry[] }>(path, goesOn ? 2000 : 0);
  return (
    <Section title="Log">
      {error !== null && <ErrorNote error={error} onRetry={reload} />}
      {value !== null && value.items.length === 0 && <Empty>It printed nothing, or that is too long ago.</Empty>}
      {value !== null && value.items.length > 0 && (
        <Lines label="What it printed" lines={value.items.map(({ text }) => text)} />
      )}
      {value === null && error === null && <Loading what="the log" />}
    </Section>
  );
}
