// What a report has not, in sentences.

export interface LeftOut {
  readonly spans: number;
  readonly events: number;
  readonly logs: number;
  readonly details: number;
  readonly failedRounds: number;
}

export function leftOut({ spans, events, logs, details, failedRounds }: LeftOut): string[] {
  const why = "there were more than a report holds, or they came faster than they could be asked for";
  const sentences = [
    said(spans, "attempt of a task is", "attempts of tasks are", `not drawn, the oldest of them: ${why}`),
    said(events, "event is", "events are", `not in it, the oldest of them: ${why}`),
    said(logs, "printed line is", "printed lines are", `not in it, the oldest of them: ${why}`),
    said(details, "entry", "entries", `of searches and trainings are not in it, the oldest of them: ${why}`),
    said(failedRounds, "time", "times", "the scheduler did not answer; what happened then may be missing"),
  ];
  return sentences.filter((sentence) => sentence !== "");
}

function said(count: number, one: string, many: string, rest: string): string {
  return count === 0 ? "" : `${count.toLocaleString("en")} ${count === 1 ? one : many} ${rest}.`;
}
